"""What the options of a run ask for, tried before anything is written."""

from __future__ import annotations

import contextlib
import copy
import math
import os
from collections.abc import Iterator
from typing import Any

import torch
from jsonargparse import Namespace
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, GradientAccumulationScheduler, ModelCheckpoint
from torch.optim.lr_scheduler import OneCycleLR

from zoo.callbacks.resumability import check_callbacks
from zoo.datamodules.common.base import DataModule
from zoo.errors import ZooError, suggestion
from zoo.internals.lightning import callbacks_of
from zoo.kinds import Split
from zoo.tasks import Classifier, Task
from zoo.tasks.example_inputs import random_inputs

OURS = ("zoo.", "lightning.")
"""How the names of modules begin whose classes log no metrics to monitor but those of a task."""


def check_run(trainer: Trainer, model: Task, data: DataModule, options: Namespace) -> None:
    """Raise ZooError for a run that would fail, or train otherwise than asked, because of its options.

    Args:
        trainer: The trainer.
        model: The network.
        data: Its data, set up.
        options: The options of ``zoo fit``.
    """
    check_callbacks(callbacks_of(trainer))
    check_batches(trainer, data)
    _check_validation(trainer, model, options)
    _check_monitors(trainer, model)
    if _can_be_tried(trainer, model):
        _try_a_step(trainer, model, data)


def check_launch(trainer: Trainer) -> None:
    """Raise ZooError for several nodes that nothing starts, which would wait for each other for ever."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if trainer.num_nodes > 1 and isinstance(environment, LightningEnvironment | None) and "NODE_RANK" not in os.environ:
        raise ZooError(
            f"--trainer.num_nodes is {trainer.num_nodes}, but nothing starts the processes of the other nodes; use "
            "torchrun or SLURM (see docs/cluster.md), or set NODE_RANK, MASTER_ADDR and MASTER_PORT on each node"
        )


def check_batches(trainer: Trainer, data: DataModule) -> None:
    """Raise ZooError for limits and intervals that leave no batch of a split, or for a validation that never comes."""
    _check_limit("train", trainer.limit_train_batches, _batches(data, "train", data.batch_size))
    _check_limit("val", trainer.limit_val_batches, _batches(data, "val", data.evaluation_batch_size))
    for split in data.splits:  # each is evaluated by Lightning's test, for the report
        _check_limit("test", trainer.limit_test_batches, _batches(data, split, data.evaluation_batch_size))
    every = trainer.check_val_every_n_epoch
    if every is not None and every < 1:
        raise ZooError(f"--trainer.check_val_every_n_epoch must be at least 1, or null to count batches, got {every}")
    interval = trainer.val_check_interval
    train = _limited(trainer.limit_train_batches, _batches(data, "train", data.batch_size))
    if isinstance(interval, int) and every is not None and interval > train > 0:
        raise ZooError(
            f"--trainer.val_check_interval is {interval} batches, but an epoch has {train}; give at most {train}, or "
            "--trainer.check_val_every_n_epoch null to count across epochs"
        )


def _check_limit(split: Split, limit: float, batches: int) -> None:
    if limit and not _limited(limit, batches):
        raise ZooError(f"--trainer.limit_{split}_batches is {limit}, which leaves none of {batches} batches")
    if split == "test" and not limit:
        raise ZooError("--trainer.limit_test_batches is 0, but the report needs at least one batch")


def _batches(data: DataModule, split: Split, size: int) -> int:
    return math.ceil(len(data.splits[split]) / size)


def _limited(limit: float, batches: int) -> int:
    return min(limit, batches) if isinstance(limit, int) else int(limit * batches)


def _check_validation(trainer: Trainer, model: Task, options: Namespace) -> None:
    needs = {"--patience": options.patience is not None}
    needs["ReduceLROnPlateau"] = model.lr_scheduler == "ReduceLROnPlateau"
    for what in (name for name, used in needs.items() if used):
        if not options.data.val_size:
            raise ZooError(f"{what} needs a validation part; give --data.val_size a number above 0")
        if not trainer.limit_val_batches:
            raise ZooError(f"{what} needs a validation; leave --trainer.limit_val_batches out")


def _check_monitors(trainer: Trainer, model: Task) -> None:
    """Raise ZooError for a callback that looks at what is not measured; networks of other packages may measure more."""
    callbacks = callbacks_of(trainer)
    if not all(type(one).__module__.startswith(OURS) for one in (model, *callbacks)):
        return
    measured = [*model.metric_names("train/"), *(model.metric_names("val/") if trainer.limit_val_batches else ())]
    for callback in callbacks:
        monitor: Any = getattr(callback, "monitor", None)
        if monitor in (None, *measured, "epoch", "step") or not getattr(callback, "strict", True):
            continue
        if isinstance(callback, EarlyStopping | ModelCheckpoint):
            hint = suggestion(monitor, measured) or f"; there are {', '.join(measured)}"
            if trainer.limit_val_batches or not monitor.startswith("val/"):
                raise ZooError(f"{type(callback).__name__} monitors {monitor!r}, which is not measured{hint}")
            if isinstance(callback, EarlyStopping):
                raise ZooError(f"{type(callback).__name__} monitors {monitor!r}, but --trainer.limit_val_batches is 0")


def _can_be_tried(trainer: Trainer, model: Task) -> bool:
    """Return whether to try the network: of other devices none is used before the processes have started.

    Networks of other packages may train in their own way.
    """
    own = all(
        getattr(type(model), name).__module__.startswith(OURS) for name in ("training_step", "configure_optimizers")
    )
    return own and trainer.strategy.root_device.type == "cpu" and isinstance(model.example_input_array, torch.Tensor)


def _try_a_step(trainer: Trainer, model: Task, data: DataModule) -> None:
    """Take a step with a copy of the network: some values are refused by torch only then."""
    network = copy.deepcopy(model)
    precision = trainer.precision_plugin
    precision.convert_module(network)
    x = precision.convert_input(random_inputs(network, 2))
    y = torch.zeros(2, dtype=torch.int64)
    if not isinstance(network, Classifier) or network.multilabel:
        y = torch.zeros(2, *network(x).shape[1:], dtype=x.dtype)
    configured: Any = network.configure_optimizers()
    optimizer: Any = configured["optimizer"] if isinstance(configured, dict) else configured

    def closure() -> torch.Tensor:
        with precision.train_step_context():
            loss = network.training_step((x, y), 0)
        loss.backward()
        return loss

    with torch.random.fork_rng(devices=[]):
        with _precision_told(trainer):
            closure()
        try:
            optimizer.step(closure)
        except Exception as error:
            raise ZooError(f"the optimizer cannot take a step: {_told(error)}; see --model.optimizer_args") from None
    if isinstance(configured, dict):
        _try_schedule(configured["lr_scheduler"]["scheduler"], model, trainer, data)


def check_evaluation(trainer: Trainer, model: Task, data: DataModule) -> None:
    """Raise ZooError for an evaluation that would fail because of its options."""
    check_batches(trainer, data)
    if _can_be_tried(trainer, model):
        network = copy.deepcopy(model)
        trainer.precision_plugin.convert_module(network)
        with _precision_told(trainer), torch.inference_mode(), trainer.precision_plugin.test_step_context():
            network(trainer.precision_plugin.convert_input(random_inputs(network, 1)))


@contextlib.contextmanager
def _precision_told(trainer: Trainer) -> Iterator[None]:
    """Turn what a processor cannot compute in a reduced precision into a ZooError."""
    try:
        yield
    except RuntimeError as error:
        if trainer.precision in ("32-true", "64-true"):
            raise
        reason = _told(error).partition(". ")[0]
        raise ZooError(
            f"--trainer.precision {trainer.precision} does not work for this network on this CPU: {reason}"
        ) from None


def _try_schedule(scheduler: Any, model: Task, trainer: Trainer, data: DataModule) -> None:
    batches = _limited(trainer.limit_train_batches, _batches(data, "train", data.batch_size))
    epochs = trainer.max_epochs if trainer.max_epochs not in (None, -1) else math.inf
    steps = min(
        epochs * math.ceil(batches / trainer.accumulate_grad_batches),
        trainer.max_steps if trainer.max_steps != -1 else math.inf,
    )
    counted = math.isfinite(steps) and not any(
        isinstance(one, GradientAccumulationScheduler) for one in callbacks_of(trainer)
    )
    if isinstance(scheduler, OneCycleLR) and counted and steps > scheduler.total_steps:
        raise ZooError(
            f"{model.lr_scheduler} ends after {scheduler.total_steps} steps, but the run takes {steps}; "
            "give that as total_steps in --model.lr_scheduler_args"
        )
    try:
        scheduler.step(*([0.0] if model.lr_scheduler == "ReduceLROnPlateau" else []))
    except Exception as error:
        raise ZooError(
            f"the schedule {model.lr_scheduler} cannot take a step: {_told(error)}; see --model.lr_scheduler_args"
        ) from None


def _told(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
