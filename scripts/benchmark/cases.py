"""What the benchmarks train: networks and their data, as the zoo has them and as the documents read them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, Subset, TensorDataset

import zoo
from zoo.registry import model_row


@dataclass
class Case:
    """A network and its data.

    Attributes:
        model: Name of the network.
        data: Name of the data set.
        train: Training examples of an epoch.
        test: Test examples of an epoch.
        options: Options of the data.
    """

    model: str
    data: str
    train: int
    test: int
    options: dict[str, Any]

    @property
    def batch_size(self) -> int:
        """The documented batch size."""
        return model_row(self.model).batch_size

    @cached_property
    def zoo_data(self) -> Any:
        """The data set, in memory."""
        data = zoo.create_datamodule(self.data, **{"val_size": 0, **self.options})
        data.prepare_data()
        data.setup()
        return data

    def network(self) -> Any:
        """Return the network in training mode, which is a plain torch module."""
        return zoo.create_model(self.model, data=self.zoo_data).train()

    def loaders(self) -> dict[str, DataLoader[Any]]:
        """Return the loaders of the document's loop: TensorDataset and DataLoader, as torch has them."""
        sizes = {"train": self.train, "test": self.test}
        loaders = {}
        for split in sizes:
            examples = self.zoo_data.splits[split]
            chosen: Dataset[Any]
            collate = None
            if self.data == "folder":
                chosen = Subset(picture_folder(self.options["root"]), range(sizes[split]))
            elif self.data == "imdb":
                chosen = Texts(examples, sizes[split])
                collate = padded
            else:
                x, y = examples.tensors
                x, y = examples.scale(x[: sizes[split]]), y[: sizes[split]]
                x = x.flatten(1) if self.model in ("slp", "mlp", "ffnn") else x  # as the documents do, beforehand
                chosen = TensorDataset(x, self.targets(y))
            loaders[split] = DataLoader(chosen, self.batch_size, shuffle=True, collate_fn=collate)
        return loaders

    def targets(self, y: Tensor) -> Tensor:
        """Return targets as the documents give them to their losses."""
        return one_hot(y, len(self.zoo_data.classes)).float() if self.network().loss_name == "mse" else y


class Texts(Dataset[tuple[Tensor, Tensor]]):
    """Token ids of texts, in memory."""

    def __init__(self, examples: Any, size: int) -> None:
        chosen = range(0, len(examples), len(examples) // size)[:size]
        self.texts = [tuple(part[0] for part in examples.batch([index])) for index in chosen]

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.texts)

    def __getitem__(self, index: int) -> Any:
        """Return the token ids and the label of a text."""
        return self.texts[index]


def padded(batch: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return a batch of texts, padded to the longest."""
    texts, labels = zip(*batch, strict=True)
    return pad_sequence(list(texts), batch_first=True), torch.stack(list(labels))


def picture_folder(root: str, size: int = 32) -> Any:
    """Return torchvision's data set of a folder of pictures."""
    from torchvision.datasets import ImageFolder
    from torchvision.transforms import Compose, Resize, ToTensor

    return ImageFolder(root, Compose([Resize((size, size)), ToTensor()]))


CASES = {
    "slp": Case("slp", "mnist", 60_000, 10_000, {}),
    "mlp": Case("mlp", "mnist", 60_000, 10_000, {}),
    "ffnn": Case("ffnn", "fashion_mnist", 16_000, 2_000, {}),
    "digits_cnn": Case("digits_cnn", "mnist", 16_000, 2_000, {"padding": 2}),
    "cifar_cnn": Case("cifar_cnn", "cifar10", 8_000, 2_000, {}),
    "lstm": Case("lstm", "mnist", 12_800, 2_000, {}),
    "bilstm_sentiment": Case("bilstm_sentiment", "imdb", 1_280, 500, {"max_length": 256, "truncation_side": "left"}),
    "folder": Case("cifar_cnn", "folder", 4_000, 1_000, {"test_size": 1_000, "image_size": 32}),
    "table": Case("mlp", "csv", 20_000, 2_000, {"test_size": 2_000, "target": "y"}),
}
"""What is measured, by name; all of a data set, or as many of its examples as take some seconds."""


def write_pictures(root: Path) -> None:
    """Write photos of CIFAR-10 as PNG files, in a folder for each class."""
    from PIL import Image

    photos = Case("cifar_cnn", "cifar10", 0, 0, {}).zoo_data
    x, y = photos.splits["train"].tensors
    for index, (picture, label) in enumerate(zip(x[:5_000], y.tolist(), strict=False)):
        folder = root / str(photos.classes[label])
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture.permute(1, 2, 0).numpy()).save(folder / f"{index:05}.png")


def write_table(path: Path) -> None:
    """Write a table of 22,000 rows and 20 columns, whose target is one of ten classes."""
    x = torch.rand(22_000, 20, generator=torch.Generator().manual_seed(0))
    y = (x[:, :3].sum(dim=1) * 3).long()
    lines = [",".join([*(f"x{i}" for i in range(20)), "y"])]
    lines += [
        ",".join([*(f"{value:.4f}" for value in row), f"c{label}"])
        for row, label in zip(x.tolist(), y.tolist(), strict=True)
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
