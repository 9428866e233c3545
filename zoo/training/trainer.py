"""Lightning's Trainer as the command line sets it up, with one-line errors and without notices."""

from __future__ import annotations

import atexit
import logging
import os
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelSummary
from lightning.pytorch.callbacks import ProgressBar as LightningProgressBar
from lightning.pytorch.loggers import Logger

from zoo.callbacks import ProgressBar, Summary
from zoo.errors import ZooError
from zoo.launch import rendezvous
from zoo.launch.launchers import in_slurm, in_torchrun
from zoo.support.console import one_line
from zoo.tasks import Task
from zoo.training.check_options import check_launch

DEFAULT_THREADS = torch.get_num_threads()
"""Torch's own number of threads."""

DEVICE_ARGUMENTS = ("accelerator", "strategy", "devices", "num_nodes", "plugins")
"""Arguments of the Trainer that decide how many processes there are, and which of them this one is."""

ADD_CALLBACKS = ("enable_checkpointing", "enable_progress_bar", "enable_model_summary")
"""Options with which Lightning adds callbacks of its own."""

SINGLE_THREAD_BELOW = 4_000_000
"""Parameters of a network times examples of a batch, below which one thread computes.

Measured on two cores: a second thread makes steps of slp, mlp, digits_cnn and cifar_cnn slower with their documented
batches, and those of slp and mlp faster with 512 examples.
"""

IGNORED_WARNINGS = [
    ".*isinstance.treespec, LeafSpec.*",  # between Lightning and torch
    ".*does not have many workers.*",  # batches come from memory; a worker would only copy them
    ".*smaller than the logging interval.*",  # nothing is logged by steps
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run stays in its folder
    ".*The dirpath has changed from.*",  # a run resumed from a file has a folder of its own
    ".*`srun` command is available on your system but is not used.*",  # a login node, or a machine that has it
    ".*is not supported by the model summary.*",  # its estimate of the size alone
]


def quiet(profiling: bool = False) -> None:
    """Turn off Lightning's notices, and warnings about what is intended. The model summary and a profile stay on."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.callbacks.model_summary").setLevel(logging.INFO)
    logging.getLogger("lightning.pytorch.profilers.profiler").setLevel(logging.INFO if profiling else logging.WARNING)
    for message in IGNORED_WARNINGS:
        warnings.filterwarnings("ignore", message)


def use_threads(model: Task, batch_size: int) -> None:
    """Let a small network compute with one thread, unless the environment sets the number.

    More threads would spend their time waiting for each other, most of all next to other busy processes.
    """
    is_set = "OMP_NUM_THREADS" in os.environ or "MKL_NUM_THREADS" in os.environ
    if not is_set:
        work = sum(p.numel() for p in model.parameters()) * batch_size
        torch.set_num_threads(1 if work < SINGLE_THREAD_BELOW else DEFAULT_THREADS)


def check_trainer_options(options: Mapping[str, Any]) -> None:
    """Raise ZooError for options of the Trainer that the zoo does not support."""
    if options["overfit_batches"]:  # it would replace the zoo's sampler
        raise ZooError("--trainer.overfit_batches is not supported; use --trainer.limit_train_batches")
    if options["barebones"]:  # it turns off what a run consists of
        raise ZooError("--trainer.barebones is not supported; turn off single parts, such as the progress bar")
    if (several := options["accumulate_grad_batches"]) < 1:
        raise ZooError(f"--trainer.accumulate_grad_batches must be at least 1, got {several}")


def count_processes(arguments: Mapping[str, Any]) -> int:
    """Return the number of processes that a Trainer with these arguments uses.

    Args:
        arguments: The ``DEVICE_ARGUMENTS`` of a Trainer; objects among them cannot be given to another one.

    Raises:
        ZooError: The arguments contradict each other, or ask for devices that are not there.
    """
    return _new_trainer({**arguments, **dict.fromkeys(("logger", *ADD_CALLBACKS), False)}).world_size


def build_trainer(
    arguments: Mapping[str, Any], callbacks: Sequence[Callback] = (), loggers: Sequence[Logger] = ()
) -> Trainer:
    """Build the Trainer.

    Args:
        arguments: Arguments of the Trainer, with the user's callbacks and loggers.
        callbacks: Callbacks of the zoo. They come after the user's: a checkpoint of ours holds their state.
        loggers: Loggers of the zoo. They come before the user's.

    Raises:
        ZooError: The arguments contradict each other, or ask for devices that are not there.
    """
    theirs = as_list(arguments["callbacks"])
    shown: list[Callback] = []
    if arguments["enable_progress_bar"] is not False and not _has(theirs, LightningProgressBar):
        shown.append(ProgressBar())
    if arguments["enable_model_summary"] is not False and not _has(theirs, ModelSummary):
        shown.append(Summary())
    logger = [*loggers, *(one for one in as_list(arguments["logger"]) if isinstance(one, Logger))]
    trainer = _new_trainer({**arguments, "callbacks": [*theirs, *callbacks, *shown], "logger": logger or False})
    if trainer.fast_dev_run:  # type: ignore[attr-defined]  # then Lightning replaces all loggers by one that writes nothing
        trainer.loggers = [*loggers, *trainer.loggers]
    atexit.register(_leave_process_group)
    return trainer


def _new_trainer(arguments: dict[str, Any]) -> Trainer:
    rendezvous.join()
    if in_slurm() and not in_torchrun():  # Lightning's requeue saves at different places on each rank
        arguments["plugins"] = [*as_list(arguments["plugins"]), SLURMEnvironment(auto_requeue=False)]
    try:
        trainer = Trainer(**arguments)
    except (MisconfigurationException, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise ZooError(f"the trainer cannot be set up: {one_line(error)}") from None
    check_launch(trainer)
    cores = os.cpu_count() or 1
    if trainer.strategy.root_device.type == "cpu" and trainer.num_devices > cores:
        raise ZooError(
            f"--trainer.devices asks for {trainer.num_devices} CPU processes; this machine has {cores} cores"
        )
    return trainer


def as_list(value: Any) -> list[Any]:
    """Return the values of an option that takes one or several."""
    return value if isinstance(value, list) else [value] if value else []


def _has(callbacks: list[Any], kind: type[Callback]) -> bool:
    return any(isinstance(callback, kind) for callback in callbacks)


def _leave_process_group() -> None:
    """Destroy the process group, which Lightning does only for NCCL: Gloo's threads would abort the exiting process."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
