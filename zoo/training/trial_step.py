"""A trial step with a copy of the network: torch refuses some options only in a step."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from typing import Any

import torch
from lightning.pytorch import Trainer
from torch.optim.lr_scheduler import OneCycleLR, ReduceLROnPlateau

from zoo.datamodules.common import DataModule
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.console import one_line
from zoo.tasks import Classifier, Task
from zoo.tasks.example_inputs import random_inputs
from zoo.tasks.optimizers import unpack

KNOWN_PACKAGES = ("zoo.", "lightning.")
"""Packages whose classes train and log in a known way."""


def count_batches(data: DataModule, split: Split, size: int) -> int:
    """Return the number of batches of a size that a split has, before limits."""
    return math.ceil(len(data.splits[split]) / size)


def can_try(trainer: Trainer, model: Task) -> bool:
    """Return whether to try the network. Devices other than the CPU are not used before the processes start.

    Networks of other packages may train in ways of their own.
    """
    own = all(
        getattr(type(model), name).__module__.startswith(KNOWN_PACKAGES)
        for name in ("training_step", "configure_optimizers")
    )
    return own and trainer.strategy.root_device.type == "cpu" and isinstance(model.example_input_array, torch.Tensor)


def try_step(trainer: Trainer, model: Task) -> None:
    """Take a step with a copy of the network."""
    network = copy.deepcopy(model)
    precision = trainer.precision_plugin
    precision.convert_module(network)
    x = precision.convert_input(random_inputs(network, 2))
    y = torch.zeros(2, dtype=torch.int64)
    if not isinstance(network, Classifier) or network.multilabel:
        y = torch.zeros(2, *network(x).shape[1:], dtype=x.dtype)
    optimizer, schedulers = unpack(network.configure_optimizers())

    def closure() -> torch.Tensor:
        with precision.train_step_context():
            loss = network.training_step((x, y), 0)
        loss.backward()
        return loss

    with torch.random.fork_rng(devices=[]):
        with _precision_errors(trainer):
            closure()
        try:
            optimizer.step(closure)
        except Exception as error:
            raise ZooError(f"the optimizer cannot take a step: {_message(error)}; see --model.optimizer_args") from None
    for scheduler in schedulers:
        _try_schedule(scheduler, model)


@contextlib.contextmanager
def _precision_errors(trainer: Trainer) -> Iterator[None]:
    """Turn the error of a processor that does not support a reduced precision into a ZooError."""
    try:
        yield
    except RuntimeError as error:
        if trainer.precision in ("32-true", "64-true"):
            raise
        reason = _message(error).partition(". ")[0]
        raise ZooError(
            f"--trainer.precision {trainer.precision} does not work for this network on this CPU: {reason}"
        ) from None


def _try_schedule(scheduler: Any, model: Task) -> None:
    steps = model.run_length.steps if model.run_length else None
    if isinstance(scheduler, OneCycleLR) and steps and steps > scheduler.total_steps:
        raise ZooError(
            f"{model.lr_scheduler} ends after {scheduler.total_steps} steps, but the run takes {steps}; "
            "give that as total_steps in --model.lr_scheduler_args"
        )
    try:
        scheduler.step(*([0.0] if isinstance(scheduler, ReduceLROnPlateau) else []))
    except Exception as error:
        raise ZooError(
            f"the schedule {model.lr_scheduler} cannot take a step: {_message(error)}; see --model.lr_scheduler_args"
        ) from None


def _message(error: Exception) -> str:
    return one_line(error).rstrip(".")


def try_evaluation(trainer: Trainer, model: Task) -> None:
    """Evaluate a copy of the network on random inputs."""
    network = copy.deepcopy(model)
    trainer.precision_plugin.convert_module(network)
    with _precision_errors(trainer), torch.inference_mode(), trainer.precision_plugin.test_step_context():
        network(trainer.precision_plugin.convert_input(random_inputs(network, 1)))
