"""What every transform is."""

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
        """Return the input. Raises ZooError for a value that makes none."""

    @abstractmethod
    def read(self, source: str) -> Any:
        """Return what a word of a command line stands for. Raises ZooError if it stands for nothing of the kind."""

    def is_one(self, value: Any) -> bool:
        """Whether a value is one picture, text or row, rather than several of them in a list or an array."""
        if isinstance(value, np.ndarray):
            return value.ndim == 0
        return isinstance(value, str) or not isinstance(value, Sequence)

    def spec(self) -> dict[str, Any]:
        """Return the transform as plain values, which :func:`zoo.transforms.from_spec` takes."""
        return {"name": type(self).__name__, **asdict(self)}  # type: ignore[call-overload]
