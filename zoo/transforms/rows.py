"""Transforms of rows of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.kinds import InputKind
from zoo.transforms.base import Transform


@dataclass(frozen=True)
class Row(Transform):
    """Converts a row of numbers. On the command line, it is a comma-separated list.

    Input: floats, shape ``(features,)``.

    Args:
        features: Number of values in a row.
    """

    features: int
    takes: ClassVar[InputKind] = "table"

    def read(self, source: str) -> list[float]:
        """Read a row such as ``0.5,1``."""
        try:
            return [float(number) for number in source.split(",")]
        except ValueError:
            raise ZooError(f"{source!r} is neither a comma-separated row of numbers nor a file") from None

    def is_one(self, value: Any) -> bool:
        """Return whether a value is a single row of numbers."""
        return super().is_one(value) or _is_row(value)

    def __call__(self, value: Sequence[float] | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if the length is wrong or a number is not finite."""
        if not _is_row(value):
            raise ZooError(f"expected a row of numbers, got {str(value)[:40]!r}")
        try:
            numbers = [float(number) for number in value]
        except OverflowError:
            raise ZooError(f"{str(value)[:40]!r} has a number that is too large") from None
        given = ",".join(f"{number:g}" for number in numbers)
        if len(numbers) != self.features:
            raise ZooError(f"expected {self.features} numbers, got {len(numbers)}: {given!r}")
        row = torch.tensor(numbers)
        if not row.isfinite().all():
            raise ZooError(f"{given!r} has a number that is not finite in single precision")
        return row


def _is_row(value: Any) -> bool:
    """Return whether a value is a sequence of numbers of Python, numpy or torch."""
    if isinstance(value, str) or not (isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim)):
        return False
    return len(value) > 0 and all(
        isinstance(n, Real | np.bool_) or (isinstance(n, Tensor) and not n.dim()) for n in value
    )
