"""The checks of a network on a device. Each yields its findings; none knows of the others."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from gpu_check.fake import run_steps
from gpu_check.training import (
    Training,
    largest_difference,
    make_data,
    make_network,
    make_trainer,
    read_weights,
    train,
    weights_of,
)
from zoo.errors import ZooError
from zoo.factory import model_class
from zoo.sharing.formats import FORMATS, export

DOUBLE = 1e-10
"""Largest difference of weights after 50 steps that is rounding in double precision."""
SINGLE = 2e-3
"""Likewise of weights in single precision, without TF32."""
METRIC = 2.0**-22
"""Largest relative difference of metrics, which are kept in single precision."""
OUTPUTS = 1e-5
"""Largest difference of probabilities and values, and of the outputs of an exported network, in single precision."""


class LeftOutError(Exception):
    """The machine cannot do this check."""


@dataclass(frozen=True)
class Machine:
    """Where the checks run.

    Attributes:
        accelerator: ``cuda`` or ``cpu``.
        devices: Number of processes of the distributed checks.
        folder: A temporary folder, with the made reviews.
        small: Whether to shorten what is only measured.
    """

    accelerator: str
    devices: int
    folder: str
    small: bool = False

    def file(self, network: str, name: str) -> str:
        """Return the path of a checkpoint."""
        return str(Path(self.folder, f"{network}-{name}.ckpt"))

    def training(self, network: str, **options: object) -> Training:
        """Return a training of a network on the device."""
        return replace(Training(network, self.folder, self.accelerator), **options)


@dataclass(frozen=True)
class Finding:
    """What a check found out.

    Attributes:
        setting: What was varied, such as the precision.
        value: The number that was measured.
        limit: The largest value that passes.
    """

    setting: str
    value: float
    limit: float

    @property
    def passed(self) -> bool:
        """Whether the value is within the limit; NaN is not."""
        return self.value <= self.limit


Check = Callable[[Machine, str], Iterator[Finding]]


def trains(machine: Machine, network: str) -> Iterator[Finding]:
    """Sixty steps, three epochs of the digits, lower the validation loss: its share that is left."""
    for precision in ("32-true", "bf16-mixed", "16-mixed"):
        data = make_data(network, machine.folder)
        model = make_network(network, data)
        (before,) = make_trainer(machine.accelerator).validate(model, data, verbose=False)
        make_trainer(machine.accelerator, precision=precision, max_steps=60, max_epochs=-1).fit(model, data)
        (after,) = make_trainer(machine.accelerator).validate(model, data, verbose=False)
        yield Finding(precision, after["val/loss"] / before["val/loss"], math.nextafter(1, 0))


def mixes_no_devices(machine: Machine, network: str) -> Iterator[Finding]:
    """A training step on fake CUDA tensors has all its results there: the number of other devices."""
    takes = model_class(network).takes
    if takes == "text":
        raise LeftOutError("fake tensors have no values, and texts are packed by theirs")
    options = {"augment": True} if takes == "image" else {}
    data = make_data(network, machine.folder, **options)
    yield Finding("", len(run_steps(make_network(network, data), data) - {"cuda"}), 0)


def equals_cpu(machine: Machine, network: str) -> Iterator[Finding]:
    """Weights after 50 steps are those of the CPU; without dropout, whose random numbers differ."""
    for precision, limit in (("64-true", DOUBLE), ("32-true", SINGLE)):
        training = machine.training(network, precision=precision)
        there, _, _ = train(training, dropout=0.0)
        here, _, _ = train(replace(training, accelerator="cpu"), dropout=0.0)
        yield Finding(precision, largest_difference(weights_of(there), weights_of(here)), limit)


def goes_fast(machine: Machine, network: str) -> Iterator[Finding]:
    """Several steps in a turn, and on a GPU compiled ones, give the weights of Lightning's loop, bit for bit."""
    training = machine.training(network, precision="32-true")
    weights = weights_of(train(training)[0])
    ways = {"fast": replace(training, fast=True)}
    if machine.accelerator == "cuda":
        ways["compiled"] = replace(training, fast=True, compile=True)
    for way, other in ways.items():
        yield Finding(way, largest_difference(weights, weights_of(train(other)[0])), 0)


def killed(machine: Machine, network: str) -> list[Training]:
    """Return the trainings of a network that are killed in step 37."""
    return [
        machine.training(network, precision=precision, checkpoint=machine.file(network, precision), killed_in=37)
        for precision in ("32-true", "16-mixed")
    ]


def resumes(machine: Machine, network: str) -> Iterator[Finding]:
    """A training that was killed in step 37 and is resumed ends with the bits of an undisturbed one."""
    for training in killed(machine, network):
        whole = replace(training, killed_in=None, checkpoint=machine.file(network, "whole"))
        train(whole)
        train(replace(training, killed_in=None, resumes=True))
        yield Finding(training.precision, checkpoint_difference(whole, training), 0)


def shared_out(machine: Machine, network: str) -> list[Training]:
    """Return the trainings of a network over all devices: DDP, and FSDP where there is CUDA.

    Raises:
        LeftOutError: The batches of its data cannot be shared out.
    """
    try:
        make_data(network, machine.folder).check_ranks(machine.devices)
    except ZooError as error:
        raise LeftOutError(str(error)) from None
    precisions = {"ddp": "64-true", "fsdp": "32-true"}  # FSDP has no double precision
    return [
        machine.training(
            network,
            precision=precision,
            checkpoint=machine.file(network, strategy),
            strategy=strategy,
            devices=machine.devices,
        )
        for strategy, precision in precisions.items()
        if strategy == "ddp" or machine.accelerator == "cuda"
    ]


def distributed(machine: Machine, network: str) -> Iterator[Finding]:
    """A training over all devices gives the weights of one."""
    for training in shared_out(machine, network):
        one = replace(training, checkpoint=machine.file(network, "one"), strategy="auto", devices=1)
        train(one)
        limit = DOUBLE if training.precision == "64-true" else SINGLE
        yield Finding(f"{training.strategy}, {machine.devices} processes", checkpoint_difference(one, training), limit)


def checkpoint_difference(one: Training, other: Training) -> float:
    """Return the largest difference of the weights that two trainings saved."""
    weights, others = (read_weights(str(training.checkpoint)) for training in (one, other))
    return largest_difference(weights, others)


def evaluates(machine: Machine, network: str) -> Iterator[Finding]:
    """The metrics of the test set are those of the CPU: the accuracy exactly, others to the rounding of metrics."""
    data = make_data(network, machine.folder)
    model = make_network(network, data)
    there, here = (
        make_trainer(accelerator, precision="64-true").test(model, data, verbose=False)[0]
        for accelerator in (machine.accelerator, "cpu")
    )
    for name, value in here.items():
        limit = 0 if name == "test/acc" else METRIC
        yield Finding(name, abs(there[name] - value) / max(abs(value), 1e-30), limit)


def predicts(machine: Machine, network: str) -> Iterator[Finding]:
    """``model.predict`` on the device gives the values of the CPU."""
    data = make_data(network, machine.folder)
    model = make_network(network, data)
    x, _ = next(iter(data.predict_dataloader()))
    here = model.predict(x).values
    there = model.to(machine.accelerator).predict(x).values
    yield Finding("", float((there.cpu() - here).abs().max()), OUTPUTS)


def exports(machine: Machine, network: str) -> Iterator[Finding]:
    """A network on the device is exported to a file that gives its outputs on the CPU."""
    model = make_network(network, make_data(network, machine.folder)).eval().to(machine.accelerator)
    for file_format in FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            yield Finding(file_format, export(network, model, file_format, Path(folder, "network")), OUTPUTS)


class Memory(Callback):
    """Records the memory that is in use after each epoch, in bytes."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Record it."""
        self.bytes.append(torch.cuda.memory_allocated())


def keeps_memory(machine: Machine, network: str) -> Iterator[Finding]:
    """The memory in use does not grow from the second epoch to the tenth: its growth in bytes."""
    if machine.accelerator != "cuda":
        raise LeftOutError("only CUDA counts its memory")
    data, memory = make_data(network, machine.folder), Memory()
    make_trainer("cuda", max_epochs=10, callbacks=[memory]).fit(make_network(network, data), data)
    yield Finding("", max(memory.bytes[2:]) - memory.bytes[1], 0)


CHECKS: dict[str, Check] = {
    "trains for 60 steps": trains,
    "mixes no devices": mixes_no_devices,
    "weights as on the CPU": equals_cpu,
    "several steps in a turn": goes_fast,
    "resumes after SIGKILL": resumes,
    "distributed as one": distributed,
    "evaluates as the CPU": evaluates,
    "predicts as the CPU": predicts,
    "exports": exports,
    "keeps its memory": keeps_memory,
}

BEFORE: dict[str, Callable[[Machine, str], list[Training]]] = {
    "resumes after SIGKILL": killed,
    "distributed as one": shared_out,
}
"""The trainings that a check needs in processes of their own; those of several networks run at a time."""
