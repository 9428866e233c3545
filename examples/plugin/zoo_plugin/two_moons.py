"""Two half moons of points."""

import torch
from sklearn.datasets import make_moons
from torch import Tensor

from zoo.datamodules.common import TableDataModule, ValSize


class TwoMoons(TableDataModule):
    """Points of two interleaving half moons.

    Source: ``sklearn.datasets.make_moons``.

    Input: ``(batch, 2)``. Target: ``(batch,)``, the moon.

    Args:
        noise: Standard deviation of the points around their moon.
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    shape = (2,)
    classes = ("upper", "lower")

    def __init__(self, noise: float = 0.1, batch_size: int = 32, val_size: ValSize = 100, seed: int = 0) -> None:
        super().__init__(batch_size, val_size, seed)
        self.noise = noise

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return points ``(500, 2)`` and their moons ``(500,)``."""
        x, y = make_moons(500, noise=self.noise, random_state=0 if train else 1)
        return torch.from_numpy(x).float(), torch.from_numpy(y)
