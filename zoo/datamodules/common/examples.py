"""Examples, and how they are gathered a batch at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset


def identity(value: Any) -> Any:
    """Return what is given."""
    return value


class Batches(Dataset[tuple[Tensor, Tensor]], ABC):
    """Examples that are fetched a whole batch at a time, as they are stored; one by one, as a network takes them."""

    scale: Callable[[Tensor], Tensor] = staticmethod(identity)
    """Turns a batch of stored inputs into what a network takes; the data module sets its own."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of examples."""

    @abstractmethod
    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the batch of these indices, as it is stored."""

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return an example, as a network takes it. Raises IndexError past the end."""
        x, y = self.batch([range(len(self))[index]])
        return self.scale(x)[0], y[0]


class Examples(Batches):
    """Inputs and targets in memory."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.tensors = x, y

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.tensors[1])

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the batch of these indices, as it is stored."""
        chosen = torch.tensor(indices)
        x, y = self.tensors
        return x.index_select(0, chosen), y.index_select(0, chosen)  # several times faster than [chosen]


class Gathered(Dataset[tuple[Tensor, Tensor]]):
    """Examples for a loader that takes each batch as it is stored, instead of collating it from examples."""

    def __init__(self, examples: Batches) -> None:
        self.examples = examples

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return an example, as a network takes it."""
        return self.examples[index]

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the batch of these indices; DataLoader prefers this to one call an example and a collation."""
        return self.examples.batch(indices)
