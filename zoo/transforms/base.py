"""The base class of transforms."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
from torch import Tensor

from zoo.kinds import InputKind


class Transform(ABC):
    """Turns a picture, a text or a row of numbers into one input of a network, without a batch dimension."""

    takes: ClassVar[InputKind]

    @abstractmethod
    def __call__(self, value: Any) -> Tensor:
        """Return the input. Raises ZooError for an invalid value."""

    @abstractmethod
    def read(self, source: str) -> Any:
        """Return the value that a command-line argument stands for. Raises ZooError for an invalid argument."""

    def is_one(self, value: Any) -> bool:
        """Return whether a value is a single picture, text or row, rather than a list or an array of several."""
        if isinstance(value, np.ndarray):
            return value.ndim == 0
        return isinstance(value, str) or not isinstance(value, Sequence)

    def several(self, x: Any) -> list[Any]:
        """Return the single pictures, texts or rows of what is to be predicted, which may be one or several."""
        x = x.to_numpy() if hasattr(x, "to_numpy") else x  # a row, a column or a table of pandas
        return [x] if self.is_one(x) else [*x]

    def spec(self) -> dict[str, Any]:
        """Return the transform as plain values, from which :func:`zoo.transforms.from_spec` rebuilds it."""
        return {"name": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]

    def as_text(self, x: Tensor) -> str:
        """Return an input as text, to be shown."""
        return ", ".join(f"{value:.3g}" for value in x.flatten().tolist())
