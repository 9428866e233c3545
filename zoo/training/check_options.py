"""What the options of a run ask for, checked before anything is written."""

from __future__ import annotations

import os
from typing import Any

from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy

from zoo.callbacks import FrozenBackbone
from zoo.callbacks.resumability import check_callbacks
from zoo.datamodules.common import DataModule
from zoo.errors import ZooError, suggestion
from zoo.internals.lightning import callbacks_of
from zoo.kinds import Split
from zoo.support.console import one_line
from zoo.tasks import Classifier, Task
from zoo.tasks.run_length import limited, run_length
from zoo.training.trial_step import KNOWN_PACKAGES, can_try, count_batches, try_evaluation, try_step


def check_run(trainer: Trainer, model: Task, data: DataModule, patience: int | None) -> None:
    """Raise ZooError for a run that would fail, or not do what its options say.

    Args:
        trainer: The trainer.
        model: The network.
        data: Its data, set up.
        patience: The option of this name.
    """
    check_callbacks(callbacks_of(trainer))
    _check_freezing(trainer)
    data.check_ranks(trainer.world_size)
    check_batches(trainer, data)
    model.run_length = run_length(trainer, data)
    _check_optimizer(model)
    _check_validation(trainer, model, data, patience)
    _check_monitors(trainer, model)
    if isinstance(model, Classifier):
        model.weigh_classes(data)
    if can_try(trainer, model):
        try_step(trainer, model)


def _check_optimizer(model: Task) -> None:
    try:
        model.configure_optimizers()
    except Exception as error:  # whatever torch's classes raise for their arguments
        raise ZooError(f"the optimizer cannot be set up: {one_line(error)}") from None


def _check_freezing(trainer: Trainer) -> None:
    """Raise ZooError for a strategy that cannot share the gradients of parameters that are frozen at first."""
    frozen = any(isinstance(callback, FrozenBackbone) for callback in callbacks_of(trainer))
    if frozen and not isinstance(trainer.strategy, SingleDeviceStrategy | DDPStrategy):
        raise ZooError("--freeze backbone works in one process, or with --trainer.strategy ddp")


def check_evaluation(trainer: Trainer, model: Task, data: DataModule) -> None:
    """Raise ZooError for an evaluation that would fail because of its options."""
    data.check_ranks(trainer.world_size)
    check_batches(trainer, data)
    if can_try(trainer, model):
        try_evaluation(trainer, model)


def check_launch(trainer: Trainer) -> None:
    """Raise ZooError for several nodes without a launcher: the processes would wait for each other forever."""
    environment = getattr(trainer.strategy, "cluster_environment", None)
    if trainer.num_nodes > 1 and isinstance(environment, LightningEnvironment | None) and "NODE_RANK" not in os.environ:
        raise ZooError(
            f"--trainer.num_nodes is {trainer.num_nodes}, but no launcher starts the processes of the other nodes; use "
            "torchrun or SLURM (see docs/cluster.md), or set NODE_RANK, MASTER_ADDR and MASTER_PORT on each node"
        )


def check_batches(trainer: Trainer, data: DataModule) -> None:
    """Raise ZooError for limits that leave a split without batches, and for intervals without a validation."""
    _check_limit("train", trainer.limit_train_batches, count_batches(data, "train", data.batch_size))
    _check_limit("val", trainer.limit_val_batches, count_batches(data, "val", data.evaluation_batch_size))
    for split in data.splits:  # each is evaluated by Lightning's test, for the report
        _check_limit("test", trainer.limit_test_batches, count_batches(data, split, data.evaluation_batch_size))
    every = trainer.check_val_every_n_epoch
    if every is not None and every < 1:
        raise ZooError(f"--trainer.check_val_every_n_epoch must be at least 1, or null to count batches, got {every}")
    interval = trainer.val_check_interval
    train = limited(trainer.limit_train_batches, count_batches(data, "train", data.batch_size))
    if isinstance(interval, int) and every is not None and interval > train > 0:
        raise ZooError(
            f"--trainer.val_check_interval is {interval} batches, but an epoch has {train}; give at most {train}, or "
            "--trainer.check_val_every_n_epoch null to count across epochs"
        )


def _check_limit(split: Split, limit: float, batches: int) -> None:
    if limit and not limited(limit, batches):
        raise ZooError(f"--trainer.limit_{split}_batches is {limit}, which leaves no batch of {batches}")
    if split == "test" and not limit:
        raise ZooError("--trainer.limit_test_batches is 0, but the report needs at least one batch")


def _check_validation(trainer: Trainer, model: Task, data: DataModule, patience: int | None) -> None:
    needs = {
        "--patience": patience is not None,
        "ReduceLROnPlateau": model.lr_scheduler == "ReduceLROnPlateau",
    }
    for what in (name for name, used in needs.items() if used):
        if not data.val_size:
            raise ZooError(f"{what} needs a validation part; give --data.val_size a number above 0")
        if not trainer.limit_val_batches:
            raise ZooError(f"{what} needs a validation; omit --trainer.limit_val_batches")


def _check_monitors(trainer: Trainer, model: Task) -> None:
    """Raise ZooError for a callback that monitors an unknown metric; networks of other packages may log more."""
    callbacks = callbacks_of(trainer)
    if not all(type(one).__module__.startswith(KNOWN_PACKAGES) for one in (model, *callbacks)):
        return
    measured = [*model.metric_names("train/"), *(model.metric_names("val/") if trainer.limit_val_batches else ())]
    for callback in callbacks:
        monitor: Any = getattr(callback, "monitor", None)
        if monitor in (None, *measured, "epoch", "step") or not getattr(callback, "strict", True):
            continue
        if isinstance(callback, EarlyStopping | ModelCheckpoint):
            hint = suggestion(monitor, measured) or f"; the metrics are {', '.join(measured)}"
            if trainer.limit_val_batches or not monitor.startswith("val/"):
                raise ZooError(f"{type(callback).__name__} monitors {monitor!r}, which is not logged{hint}")
            if isinstance(callback, EarlyStopping):
                raise ZooError(f"{type(callback).__name__} monitors {monitor!r}, but --trainer.limit_val_batches is 0")
