"""Examples that are fetched a batch at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import Dataset

from zoo.datamodules.common.augmentation import PolicyName, apply_policy
from zoo.errors import ZooError


def identity(value: Any) -> Any:
    """Return the value unchanged."""
    return value


class Batches(Dataset[tuple[Tensor, Tensor]], ABC):
    """Examples: whole batches as they are stored, single examples as a network expects them."""

    scale: Callable[[Tensor], Tensor] = staticmethod(identity)
    """Converts a batch of stored inputs to those of a network. Set by the data module."""
    names: Sequence[str] = ()
    """Names of the examples, such as files, by index; empty if they have none."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of examples."""

    @abstractmethod
    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets at these indices, as they are stored."""

    def labels(self) -> Tensor:
        """Return the targets of all examples. Without those in memory, each example is read."""
        return torch.cat([self.batch([index])[1] for index in range(len(self))])

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return an example as a network expects it. Raises IndexError past the end."""
        x, y = self.batch([range(len(self))[index]])
        return self.scale(x)[0], y[0]


class Examples(Batches):
    """Inputs and targets in memory."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.tensors = x, y

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.tensors[1])

    def labels(self) -> Tensor:
        """Return the targets of all examples."""
        return self.tensors[1]

    def inputs(self) -> Tensor:
        """Return the inputs of all examples, as they are stored."""
        return self.tensors[0]

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the inputs and targets at these indices, as they are stored."""
        chosen = torch.tensor(indices)
        x, y = self.tensors
        return x.index_select(0, chosen), y.index_select(0, chosen)  # several times faster than [chosen]


class Gathered(Dataset[tuple[Tensor, Tensor]]):
    """Examples for a DataLoader that fetches whole batches, rather than collating single examples.

    Args:
        examples: The examples.
        policy: The policy of torchvision that augments those that come with random numbers.
    """

    def __init__(self, examples: Batches, policy: PolicyName | None = None) -> None:
        self.examples, self.policy = examples, policy

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
        """Return an example as a network expects it."""
        return self.examples[index]

    def __getitems__(self, indices: list[Any]) -> tuple[Tensor, ...] | ZooError:
        """Return the batch at these indices; DataLoader prefers this method to single examples.

        Of pairs of indices, return the inputs and targets of the first ones, and those of the second ones.

        An error of the data is returned rather than raised: DataLoader would turn it into another one, with the
        traceback of the worker as its message. :class:`ResumableLoader` raises it.
        """
        try:
            if not isinstance(indices[0], tuple):
                return self.examples.batch(indices)
            first, second = zip(*indices, strict=True)
            x, y = self.examples.batch([*first])
            if self.policy:
                return apply_policy(self.policy, x, torch.tensor(second)), y
            return x, y, *self.examples.batch([*second])
        except ZooError as error:
            return error
