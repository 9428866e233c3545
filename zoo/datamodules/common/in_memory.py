"""Data sets that fit in memory."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from zoo.datamodules.common.base import DataModule
from zoo.datamodules.common.examples import Batches, Examples
from zoo.kinds import Split


class InMemory(DataModule):
    """A data set that fits in memory, as tensors."""

    @abstractmethod
    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the inputs, shape ``(examples, *shape)``, and targets of the training or test set."""

    def load_splits(self) -> dict[Split, Batches]:
        """Return the examples of each split."""
        whole, test = Examples(*self.load(train=True)), Examples(*self.load(train=False))
        if not self.val_size:
            return {"train": whole, "test": test}
        is_fold = isinstance(self.val_size, str)  # older subclasses that override split take no targets
        parts = self.split(len(whole), whole.labels()) if is_fold else self.split(len(whole))
        train, val = (Examples(*(t.index_select(0, part) for t in whole.tensors)) for part in parts)
        return {"train": train, "val": val, "test": test}
