"""The time of an epoch: through Lightning and the zoo, and in a plain loop, which copies each batch or none."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from gpu_check.training import make_data, make_network, make_trainer
from zoo.callbacks import ExactResume, FastSteps
from zoo.datamodules.common import DataModule
from zoo.datamodules.common.examples import Examples
from zoo.tasks import Task

NETWORKS = {"slp": 64, "mlp": 64, "digits_cnn": 16, "cifar_cnn": 4, "convnet": 64, "lstm": 64}
"""Networks of images, with their documented batch sizes."""
LARGE_BATCH = 1024


class Clock(Callback):
    """Measures the seconds of each epoch."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop it, when the device is done."""
        wait(pl_module.device.type)
        self.seconds.append(time.perf_counter() - self.started)


def wait(accelerator: str) -> None:
    """Wait until the device has done all its work."""
    if accelerator == "cuda":
        torch.cuda.synchronize()


def many_digits(batch_size: int, steps: int) -> DataModule:
    """Return the digits, repeated to a number of batches."""
    data = make_data("slp", "", batch_size=batch_size)
    x, y = data.splits["train"].batch(list(range(len(data.splits["train"]))))
    several = torch.arange(batch_size * steps) % len(y)
    data.splits["train"] = Examples(x[several], y[several])
    return data


def zoo_seconds(model: Task, data: DataModule, accelerator: str, epochs: int, *callbacks: Callback) -> list[float]:
    """Return the seconds of epochs of Lightning with the zoo, its metrics and its look at each step included."""
    clock = Clock()
    trainer = make_trainer(
        accelerator,
        deterministic=False,
        max_epochs=epochs,
        limit_val_batches=0,
        enable_checkpointing=True,
        callbacks=[clock, ExactResume(None), *callbacks],
    )
    trainer.fit(model, data)
    return clock.seconds


def copied(x: Tensor, y: Tensor, batch_size: int, accelerator: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches of torch's own loader, copied to the device one by one."""
    for batch_x, batch_y in DataLoader(TensorDataset(x, y), batch_size, shuffle=True):
        yield batch_x.to(accelerator), batch_y.to(accelerator)


def resident(x: Tensor, y: Tensor, batch_size: int, accelerator: str) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield shuffled batches of data that is on the device."""
    for indices in torch.randperm(len(y), device=accelerator).split(batch_size):
        yield x[indices], y[indices]


def plain_seconds(
    model: Task,
    data: DataModule,
    accelerator: str,
    epochs: int,
    batches: Callable[[Tensor, Tensor, int, str], Iterator[tuple[Tensor, Tensor]]],
) -> list[float]:
    """Return the seconds of epochs of a plain loop, which asks for the loss and the hits of each step, as many do."""
    x, y = data.splits["train"].batch(list(range(len(data.splits["train"]))))
    x = data.scale(x)
    if batches is resident:
        x, y = x.to(accelerator), y.to(accelerator)
    model = model.to(accelerator).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=model.lr)
    seconds = []
    for _ in range(epochs):
        started = time.perf_counter()
        total, hits = 0.0, 0
        for batch_x, batch_y in batches(x, y, data.batch_size, accelerator):
            output = model(batch_x)
            loss = model.loss(output, batch_y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch_y)
            hits += int((output.argmax(1) == batch_y).sum().item())
        wait(accelerator)
        seconds.append(time.perf_counter() - started)
    return seconds


def measure(network: str, batch_size: int, accelerator: str, steps: int, epochs: int) -> dict[str, float]:
    """Return the median microseconds of a step in each way; the first epoch warms up."""
    data = many_digits(batch_size, steps)

    def model() -> Task:
        return make_network(network, data)

    torch.use_deterministic_algorithms(False)
    seconds = {"zoo": zoo_seconds(model(), data, accelerator, epochs, FastSteps())}
    if accelerator == "cuda":
        seconds["compiled"] = zoo_seconds(model(), data, accelerator, epochs, FastSteps(compile=True))
    seconds["Lightning's loop"] = zoo_seconds(model(), data, accelerator, epochs)
    seconds["plain loop"] = plain_seconds(model(), data, accelerator, epochs, copied)
    seconds["plain, resident"] = plain_seconds(model(), data, accelerator, epochs, resident)
    if accelerator != "cpu":
        seconds["zoo on CPU"] = zoo_seconds(model(), data, "cpu", epochs, FastSteps())
    return {way: statistics.median(found[1:]) / steps * 1e6 for way, found in seconds.items()}
