"""Training loops to compare the zoo with: the documents' plain loop, Lightning as usual, and less than either."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch
from cases import Case, picture_folder
from lightning.pytorch import LightningModule, Trainer
from times import EpochTimes, Terminal, ends
from torch import Tensor, nn
from torch.nn.functional import one_hot
from torch.utils.data import DataLoader, Subset
from torchmetrics.classification import MulticlassAccuracy

from zoo.tasks.optimizers import unpack

CRITERIA = {"mse": nn.MSELoss, "nll": nn.NLLLoss, "cross_entropy": nn.CrossEntropyLoss, "bce": nn.BCELoss}
"""Losses of torch, by the zoo's names."""


def criterion_of(network: Any) -> nn.Module:
    """Return torch's own loss for a network."""
    return CRITERIA[network.loss_name]()


def classes(output: Tensor) -> Tensor:
    """Return the class that an output, or a target, stands for."""
    return output.argmax(dim=1) if output.ndim == 2 else (output > 0.5).long()


def document_loop(case: Case, epochs: int) -> list[float]:
    """Train as the documents do, with ``.item()`` in each step, and return when each epoch ended."""
    loaders, network = case.loaders(), case.network()
    criterion, (optimizer, _) = criterion_of(network), unpack(network.configure_optimizers())
    times = []
    for _ in range(epochs):
        for split, loader in loaders.items():
            network.train(split == "train")
            total_loss, correct, total = 0.0, 0, 0
            with torch.set_grad_enabled(split == "train"):
                for x, y in loader:
                    p = network(x)
                    loss = criterion(p, y.to(p.dtype) if p.ndim == 1 else y)
                    if split == "train":
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                    total_loss += loss.item() * x.size(0)
                    true = y.argmax(dim=1) if y.ndim == 2 else y
                    correct += (classes(p) == true).sum().item()  # type: ignore[assignment]
                    total += x.size(0)
        times.append(time.perf_counter())
    return times


def eager_floor(case: Case, epochs: int) -> list[float]:
    """Make the optimizer's steps alone, without loader and metrics, and return when each epoch ended."""
    network = case.network()
    batches = [(x.clone(), y.clone()) for x, y in case.loaders()["train"]]
    criterion, (optimizer, _) = criterion_of(network), unpack(network.configure_optimizers())
    times = []
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            p = network(x)
            criterion(p, y.to(p.dtype) if p.ndim == 1 else y).backward()
            optimizer.step()
        times.append(time.perf_counter())
    return times


class Usual(LightningModule):
    """A network as Lightning's documentation writes it, with an accuracy of torchmetrics."""

    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network, self.criterion = network, criterion_of(network)
        self.accuracies = nn.ModuleDict({name: MulticlassAccuracy(10) for name in ("fit", "val")})

    def step(self, batch: Any, name: str) -> Tensor:
        """Return the loss, and log it."""
        x, y = batch
        p = self.network(x)
        loss: Tensor = self.criterion(p, one_hot(y, 10).float() if isinstance(self.criterion, nn.MSELoss) else y)
        self.accuracies[name](p, y)
        self.log(f"{name}/loss", loss, on_epoch=True, prog_bar=True)
        self.log(f"{name}/acc", self.accuracies[name], on_epoch=True, prog_bar=True)
        return loss

    def training_step(self, batch: Any, batch_idx: int) -> Tensor:
        """Return the loss of a batch."""
        return self.step(batch, "fit")

    def validation_step(self, batch: Any, batch_idx: int) -> None:
        """Log the loss of a batch."""
        self.step(batch, "val")

    def configure_optimizers(self) -> Any:
        """Return the network's optimizer."""
        return self.network.configure_optimizers()


def lightning_as_usual(case: Case, epochs: int, folder: Path) -> list[float]:
    """Train by Lightning, with torchvision's pipeline and its own defaults, and return when each epoch ended."""
    from torchvision.datasets import CIFAR10, MNIST, FashionMNIST
    from torchvision.transforms import Compose, Pad, ToTensor

    from zoo.datamodules.common.files import data_root

    transform = Compose([Pad(case.options.get("padding", 0)), ToTensor()])
    loaders: list[Iterable[Any]] = []
    for train in (True, False):
        if case.data == "folder":
            pictures = picture_folder(case.options["root"])
        else:
            known = {"mnist": MNIST, "fashion_mnist": FashionMNIST, "cifar10": CIFAR10}
            pictures = known[case.data](data_root(None), train=train, transform=transform)
        chosen = Subset(pictures, range(case.train if train else case.test))
        loaders.append(DataLoader(chosen, case.batch_size, shuffle=train))
    network = case.network()
    with contextlib.redirect_stdout(Terminal()), contextlib.redirect_stderr(Terminal()):
        trainer = Trainer(max_epochs=epochs, accelerator="cpu", default_root_dir=folder, callbacks=[EpochTimes()])
        ends.clear()
        trainer.fit(Usual(network), *loaders)
    return list(ends)
