"""Trainings of a network on small data: on a device, with a strategy and a precision, in this process or in another."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer, seed_everything
from torch import Tensor

import zoo
from zoo.callbacks import ExactResume, FastSteps
from zoo.callbacks.checkpointing import SECONDS_APART
from zoo.datamodules.common import DataModule
from zoo.factory import datamodule_class, model_class
from zoo.registry import model_row
from zoo.support.signatures import arguments_of
from zoo.tasks import Task

PROGRAM = str(Path(__file__).parents[1] / "check_gpu.py")
SECONDS = 200
"""Limit of a training in another process."""


@dataclass(frozen=True)
class Training:
    """A training of a network.

    Attributes:
        network: Its name.
        folder: Where the made reviews are.
        accelerator: ``cuda`` or ``cpu``.
        devices: Number of processes.
        strategy: Lightning's name of it.
        precision: Lightning's name of it.
        steps: Its length, in optimizer steps.
        checkpoint: The file to which it saves, every ten steps and at its end.
        killed_in: Step in which the process kills itself with SIGKILL.
        resumes: Whether it continues from its checkpoint.
        fast: Whether several steps go together.
        compile: Whether these are compiled, too.
    """

    network: str
    folder: str
    accelerator: str
    devices: int = 1
    strategy: str = "auto"
    precision: str = "64-true"
    steps: int = 50
    checkpoint: str | None = None
    killed_in: int | None = None
    resumes: bool = False
    fast: bool = False
    compile: bool = False


class KilledIn(Callback):
    """Kills the process in a step, as a failing machine would."""

    def __init__(self, step: int, checkpoint: Path) -> None:
        self.step, self.checkpoint = step, checkpoint

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Kill the process if this is the step, and see to it that there is a checkpoint some steps before."""
        if trainer.global_step == self.step - 7 and not self.checkpoint.exists():  # epochs of few steps save seldom
            time.sleep(SECONDS_APART + 0.1)
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


def make_data(network: str, folder: str, **options: Any) -> DataModule:
    """Return small data for a network: real digits, made reviews, or the generated table that it documents.

    Raises:
        ModuleNotFoundError: The data needs a package that is not installed.
    """
    row = model_row(network)
    kind = datamodule_class(row.data).kind
    if kind == "image":
        name, usual = "digits", {"batch_size": 64, "val_size": 157}  # leaves 20 times 64
    elif kind == "text":
        name = row.data
        usual = {"root": folder, "batch_size": 32, "val_size": 48, "min_frequency": 1, "max_length": 40}
    else:
        name, usual = row.data, {"batch_size": row.batch_size}
    data = zoo.create_datamodule(name, **{**usual, **options})
    data.prepare_data()
    data.setup()
    return data


def make_network(name: str, data: DataModule, **options: Any) -> Task:
    """Return a network with seeded weights, in the shape of the data."""
    known = arguments_of(model_class(name))
    seed_everything(0, verbose=False)
    return zoo.create_model(name, data=data, **{key: value for key, value in options.items() if key in known})


def make_trainer(accelerator: str, **options: Any) -> Trainer:
    """Return a trainer that is deterministic, and prints and saves nothing."""
    silent = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    settings = {"accelerator": accelerator, "devices": 1, "deterministic": True, "num_sanity_val_steps": 0}
    return Trainer(**{**dict.fromkeys(silent, False), **settings, **options})


def train(training: Training, **options: Any) -> tuple[Task, Trainer, DataModule]:
    """Train a network in this process.

    Args:
        training: What to train, and how.
        **options: Arguments of the network.
    """
    data = make_data(training.network, training.folder)
    model = make_network(training.network, data, **options)
    callbacks: list[Callback] = [ExactResume(training.checkpoint, every_n_steps=10)]
    if training.fast:
        callbacks.append(FastSteps(8, compile=training.compile))
    if training.killed_in is not None:
        assert training.checkpoint
        callbacks.append(KilledIn(training.killed_in, Path(training.checkpoint)))
    trainer = make_trainer(
        training.accelerator,
        devices=training.devices,
        strategy=training.strategy,
        precision=training.precision,
        max_steps=training.steps,
        max_epochs=-1,
        enable_checkpointing=True,
        callbacks=callbacks,
    )
    trainer.fit(model, data, ckpt_path=training.checkpoint if training.resumes else None, weights_only=True)
    return model, trainer, data


def train_in_process(training: Training) -> int:
    """Train in a process of its own, which starts the others if there are several, and return its exit code.

    Raises:
        RuntimeError: It failed.
        subprocess.TimeoutExpired: It takes too long; it is killed.
    """
    process = subprocess.Popen(
        [sys.executable, PROGRAM, "--train", json.dumps(asdict(training))],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},  # several run at a time
    )
    try:
        _, errors = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        raise
    if process.returncode not in (0, -signal.SIGKILL):
        raise RuntimeError(errors.strip().splitlines()[-1] if errors.strip() else f"exit code {process.returncode}")
    return process.returncode


def read_weights(checkpoint: str) -> dict[str, Tensor]:
    """Return the weights of a checkpoint."""
    state: dict[str, Tensor] = torch.load(checkpoint, map_location="cpu", weights_only=True)["state_dict"]
    return state


def weights_of(model: Task) -> dict[str, Tensor]:
    """Return the weights of a network, on the CPU."""
    return {key: value.detach().cpu() for key, value in model.state_dict().items()}


def largest_difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Return the largest difference of two networks' weights."""
    return max(float((one[key].double() - other[key].double()).abs().max()) for key in one)
