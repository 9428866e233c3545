"""Lightning's Trainer as the command line sets it up: its errors in one line, its chatter off."""

from __future__ import annotations

import atexit
import logging
import os
import re
import warnings

import torch
from jsonargparse import Namespace
from lightning.fabric.plugins.environments.slurm import SLURMEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelSummary
from lightning.pytorch.callbacks import ProgressBar as LightningProgressBar

from zoo.callbacks import ProgressBar, Summary
from zoo.commands.parser import Parser, as_list
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.launch import rendezvous
from zoo.launch.launchers import devices_and_nodes, in_slurm, in_torchrun
from zoo.tasks import Task
from zoo.training.checks import check_launch

THREADS = torch.get_num_threads()
"""What torch computes with by itself."""

SMALL = 50_000
"""Parameters below which a network computes with one thread."""

HARMLESS = [
    ".*isinstance.treespec, LeafSpec.*",  # between Lightning and torch
    ".*does not have many workers.*",  # batches come from memory; a worker would only copy them
    ".*smaller than the logging interval.*",  # nothing is logged by steps
    ".*Checkpoint directory .* exists and is not empty.*",  # a resumed run goes on in its folder
    ".*The dirpath has changed from.*",  # a run resumed from a file has a folder of its own
    ".*`srun` command is available on your system but is not used.*",  # a login node, or a machine that has it
    ".*is not supported by the model summary.*",  # its estimate of the size alone
]


def quiet(profiling: bool = False) -> None:
    """Turn off Lightning's notices and its warnings of what is so by design; the model summary, and a profile, stay."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    logging.getLogger("lightning.fabric").setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.callbacks.model_summary").setLevel(logging.INFO)
    logging.getLogger("lightning.pytorch.profilers.profiler").setLevel(logging.INFO if profiling else logging.WARNING)
    for message in HARMLESS:
        warnings.filterwarnings("ignore", message)


def use_threads(model: Task) -> None:
    """Let a small network compute with one thread, unless the environment says how many: a second one only costs.

    They spend their time on waiting for each other; beside other busy processes, nearly all of it.
    """
    told = "OMP_NUM_THREADS" in os.environ or "MKL_NUM_THREADS" in os.environ
    if not told:
        torch.set_num_threads(1 if sum(p.numel() for p in model.parameters()) < SMALL else THREADS)


def as_launched(request: Request, options: Namespace) -> None:
    """Take the number of processes from what started them, rather than from a default or the config of another run."""
    for name, value in devices_and_nodes().items():
        if not request.asks(f"--trainer.{name}"):
            options.trainer[name] = value


def build_trainer(parser: Parser, options: Namespace, callbacks: list[Callback]) -> Trainer:
    """Build the Trainer that the options ask for, with these callbacks beside the user's, and without a logger of ours.

    Raises:
        ZooError: The options contradict each other, or ask for devices that are not there.
    """
    rendezvous.join()
    if any(word in str(options.trainer.strategy) for word in ("spawn", "fork", "notebook")):
        raise ZooError(
            f"--trainer.strategy {options.trainer.strategy} starts processes that report nothing back; use ddp"
        )
    try:
        arguments = parser.instantiate(Namespace(trainer=options.trainer)).trainer.as_dict()
    except (MisconfigurationException, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise ZooError(f"the trainer cannot be set up: {_reason(str(error))}") from None
    if in_slurm() and not in_torchrun():  # Lightning's own requeue saves wherever a rank happens to be
        arguments["plugins"] = [*as_list(arguments["plugins"]), SLURMEnvironment(auto_requeue=False)]
    if arguments["overfit_batches"]:  # it would put another sampler in the place of the zoo's
        raise ZooError("--trainer.overfit_batches is not supported; use --trainer.limit_train_batches")
    if (several := arguments["accumulate_grad_batches"]) < 1:
        raise ZooError(f"--trainer.accumulate_grad_batches must be at least 1, got {several}")
    theirs = as_list(arguments.pop("callbacks"))
    theirs_shows = any(isinstance(callback, LightningProgressBar) for callback in theirs)
    if arguments["enable_progress_bar"] is not False and not theirs_shows:
        callbacks = [*callbacks, ProgressBar()]
    if arguments["enable_model_summary"] is not False and not any(isinstance(c, ModelSummary) for c in theirs):
        callbacks = [*callbacks, Summary()]
    arguments["logger"] = arguments["logger"] if arguments["logger"] not in (None, True) else False
    try:
        # Theirs first: a checkpoint of ours holds the state of what was saved before it.
        trainer = Trainer(**arguments, callbacks=[*theirs, *callbacks])
    except (MisconfigurationException, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise ZooError(f"the trainer cannot be set up: {' '.join(str(error).split())}") from None
    check_launch(trainer)
    atexit.register(_leave_process_group)
    cores = os.cpu_count() or 1
    if trainer.strategy.root_device.type == "cpu" and trainer.num_devices > cores:
        raise ZooError(
            f"--trainer.devices asks for {trainer.num_devices} CPU processes; this machine has {cores} cores"
        )
    return trainer


def _reason(message: str) -> str:
    """Return what is wrong with an object that is asked for, out of all that jsonargparse tried."""
    found = re.search(r"Problem with given class_path '([^']+)':\s*(.*)", message)
    return " ".join((f"{found[1].rpartition('.')[2]}: {found[2]}" if found else message).split())


def _leave_process_group() -> None:
    """End the process group, as Lightning does for NCCL alone: Gloo's threads would abort the process at its end."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()
