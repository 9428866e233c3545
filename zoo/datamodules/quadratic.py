"""Points of a parabola."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.tables import TableDataModule
from zoo.errors import ZooError


class Quadratic(TableDataModule):
    """Points of y = 2x² + 3 + noise, on the features [x², 1].

    Source: a post that introduces PyTorch by a linear problem, "Basic torch functionalities for a linear problem": 30
    evenly spaced points in [-2, 2], with normal noise of 0.1. The test set has the same x and different noise. The
    noise is the same in every run.

    Input: ``(batch, 2)``. Target: ``(batch, 1)``.

    Args:
        size: Number of points.
        noise: Standard deviation of the noise.
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    target = "value"
    shape = (2,)
    coefficients = (2.0, 3.0)

    def __init__(
        self, size: int = 30, noise: float = 0.1, batch_size: int = 30, val_size: ValSize = 0, seed: int = 0
    ) -> None:
        super().__init__(batch_size, val_size, seed)
        if size < 1:
            raise ZooError(f"size must be at least 1, got {size}")
        self.size, self.noise = size, noise

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return features ``(size, 2)`` and values ``(size, 1)``."""
        x = torch.linspace(-2, 2, self.size).unsqueeze(1)
        noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(0 if train else 1))
        return torch.cat([x**2, torch.ones_like(x)], dim=1), 2 * x**2 + 3 + self.noise * noise
