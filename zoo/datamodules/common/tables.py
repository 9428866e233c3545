"""Data sets of rows of numbers."""

from __future__ import annotations

from zoo.datamodules.common.in_memory import InMemory
from zoo.transforms import Row, Transform


class TableDataModule(InMemory):
    """A data set of rows of numbers, in memory."""

    kind = "table"

    @property
    def transform(self) -> Transform:
        """Turns a row of numbers into an input."""
        return Row(self.shape[0])

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the number of features, and of classes if the targets are classes."""
        sizes: dict[str, int | bool] = {"in_dim": self.shape[0]}
        if self.target != "value":
            sizes |= {"num_classes": len(self.classes), "multilabel": self.target == "binary"}
        return sizes
