"""What the data sets of rows of numbers share."""

from __future__ import annotations

from zoo.datamodules.common.base import InMemory
from zoo.transforms import Row, Transform


class TableDataModule(InMemory):
    """Rows of numbers, made on the spot."""

    kind = "table"

    @property
    def transform(self) -> Transform:
        """What turns a row of numbers into an input."""
        return Row(self.shape[0])

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the number of features."""
        return {"in_dim": self.shape[0]}
