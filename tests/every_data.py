"""Every data set of the registry, small and without a network: its files are written, and its arguments returned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from conftest import write_mnist
from data_files import write_celeba, write_cifar, write_csv, write_folder, write_imdb, write_texts
from torch.utils.data import TensorDataset

import zoo
from zoo.datamodules.common import DataModule


def write_fashion_mnist(root: Path) -> None:
    write_mnist(root).parent.rename(root / "FashionMNIST")


def make_arrays(root: Path) -> dict[str, Any]:
    return {"x_train": torch.rand(40, 5, generator=torch.Generator().manual_seed(0)), "y_train": torch.arange(40) % 3}


def make_dataset(root: Path) -> dict[str, Any]:
    return {"train": TensorDataset(*make_arrays(root).values())}


WRITERS: dict[str, Callable[[Path], Any]] = {
    "arrays": make_arrays,
    "celeba": write_celeba,
    "cifar10": write_cifar,
    "csv": write_csv,
    "dataset": make_dataset,
    "fashion_mnist": write_fashion_mnist,
    "folder": write_folder,
    "imdb": write_imdb,
    "mnist": write_mnist,
    "text": write_texts,
}
"""What writes a data set into a folder, and returns its arguments if they are more than that folder."""


def arguments_of_data(name: str, root: Path) -> dict[str, Any]:
    """Write a data set, and return the arguments with which its data module finds it."""
    if not (write := WRITERS.get(name)):
        return {}
    written = write(root)
    return written if isinstance(written, dict) else {"root": str(root)}


def small_data(name: str, arguments: dict[str, Any], **options: Any) -> DataModule:
    """Return the data module, set up, with small batches."""
    sizes = {"batch_size": 1 if name == "xor" else 8, **({} if name == "xor" else {"val_size": 2})}
    data = zoo.create_datamodule(name, **{**sizes, **arguments, **options})
    data.prepare_data()
    data.setup()
    return data
