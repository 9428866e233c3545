"""What the data sets of rows of numbers share."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zoo.datamodules.base import InMemoryDataModule
from zoo.errors import ZooError


class TableDataModule(InMemoryDataModule):
    """Rows of numbers, made on the spot."""

    kind = "table"

    def encode(self, source: str) -> Tensor:
        """Turn numbers with commas between them, such as ``0.5,1``, into an input, shape ``(1, features)``."""
        try:
            row = [float(number) for number in source.split(",")]
        except ValueError:
            raise ZooError(f"{source!r} is no row of numbers with commas between them") from None
        if len(row) != self.shape[0]:
            raise ZooError(f"{source!r} has {len(row)} numbers, expected {self.shape[0]}")
        if not all(map(math.isfinite, row)):
            raise ZooError(f"{source!r} holds a number that is not finite")
        return torch.tensor([row])

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the number of features."""
        return {"in_dim": self.shape[0]}
