"""Values of A·x·log(y) + B·y²."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.tables import TableDataModule
from zoo.errors import ZooError


class CustomFunctionData(TableDataModule):
    """Values of A·x·log(y) + B·y² at random points, x in [-2, 2], y in [0.1, 2].

    Source: "PyTorch" snippets, "Defining a Custom Model", which defines the function without data.

    Input: ``(batch, 2)``: x and y. Target: ``(batch, 1)``.

    Args:
        a: Coefficient A.
        b: Coefficient B.
        size: Number of training points, and of test points.
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    target = "value"
    shape = (2,)

    def __init__(
        self,
        a: float = 2.0,
        b: float = -1.0,
        size: int = 100,
        batch_size: int = 100,
        val_size: ValSize = 0,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, val_size, seed)
        if size < 1:
            raise ZooError(f"size must be at least 1, got {size}")
        self.a, self.b, self.size = a, b, size
        self.coefficients = (a, b)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return points ``(size, 2)`` and values ``(size, 1)``."""
        random = torch.rand(self.size, 2, generator=torch.Generator().manual_seed(0 if train else 1))
        x, y = random[:, :1] * 4 - 2, random[:, 1:] * 1.9 + 0.1
        return torch.cat([x, y], dim=1), self.a * x * y.log() + self.b * y**2
