"""The four rows of XOR."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.tables import TableDataModule


class XORData(TableDataModule):
    """The four rows of exclusive or, for training and testing.

    Source: "PyTorch" snippets, "Working With Data".

    Input: ``(batch, 2)``, zeros and ones. Target: ``(batch, 1)``, 0 or 1.

    Args:
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    target = "binary"
    shape = (2,)
    classes = ("1",)

    def __init__(self, batch_size: int = 4, val_size: ValSize = 0, seed: int = 0) -> None:
        super().__init__(batch_size, val_size, seed)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the rows ``(4, 2)`` and targets ``(4, 1)``."""
        x = torch.tensor([[0, 0], [0, 1], [1, 0], [1, 1]])
        return x.float(), (x[:, :1] ^ x[:, 1:]).long()
