"""The order of examples in an epoch, and how ranks share them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DistributedSampler

from zoo.datamodules.common.examples import Batches
from zoo.support.seeds import combine_seeds


class EpochSampler(DistributedSampler[Any]):
    """The share of one rank in an epoch, in an order that depends on seed and epoch alone.

    Rank r of W gets every W-th example, starting with the r-th, so that the batches of all ranks together are the batch
    of a single process. In training all ranks get the same number of examples, and up to W - 1 examples of an epoch are
    dropped. In evaluation, unlike with torch's sampler, no example is dropped or repeated.

    Lightning does not replace a ``DistributedSampler``, and sets its epoch.

    Args:
        examples: The examples to sample from.
        batch_size: Examples per batch, over all ranks.
        rank: The rank.
        ranks: Number of ranks.
        shuffle: Whether to shuffle, for training.
        seed: Seed of the order.
    """

    def __init__(
        self, examples: Batches, *, batch_size: int, rank: int = 0, ranks: int = 1, shuffle: bool = False, seed: int = 0
    ) -> None:
        super().__init__(examples, num_replicas=ranks, rank=rank, shuffle=shuffle, seed=seed)
        self.size, self.batch_size, self.start = len(examples), batch_size, 0

    def indices(self) -> Tensor:
        """Return the indices of all examples, in the order of the epoch, shape ``(examples,)``."""
        if not self.shuffle:
            return torch.arange(self.size)
        generator = torch.Generator().manual_seed(combine_seeds(self.seed, self.epoch))
        return torch.randperm(self.size, generator=generator)

    def share(self) -> Tensor:
        """Return the indices of this rank from ``start`` on, shape ``(examples,)``."""
        return self.indices()[self._mine()]

    def order(self) -> list[Any]:
        """Return what the sampler yields on all ranks together."""
        return self.indices().tolist()

    def __iter__(self) -> Iterator[Any]:
        """Yield the indices of this rank."""
        return iter(self.order()[self._mine()])

    def _mine(self) -> slice:
        shared = self.size - self.size % self.num_replicas if self.shuffle else self.size
        return slice(self.rank + self.start * self.num_replicas, shared, self.num_replicas)

    def __len__(self) -> int:
        """Return the number of indices of this rank."""
        if self.shuffle:
            return self.size // self.num_replicas
        return len(range(self.rank, self.size, self.num_replicas))


def random_numbers(size: int, seed: int, epoch: int, batch_idx: int) -> Tensor:
    """Return the random numbers in 0 to 1 that augment a batch of all ranks together, shape ``(size, 4)``."""
    return torch.rand(size, 4, generator=torch.Generator().manual_seed(combine_seeds(seed, epoch, batch_idx)))


class NumbersSampler(EpochSampler):
    """A sampler of each example with two of its random numbers, for workers, which do not know the epoch."""

    def order(self) -> list[tuple[int, list[float]]]:
        """Return the indices of all examples and their numbers, in the order of the epoch."""
        order = super().order()
        batches = range(0, len(order), self.batch_size)
        numbers = torch.cat(
            [
                random_numbers(min(self.batch_size, len(order) - start), self.seed, self.epoch, batch_idx)[:, :2]
                for batch_idx, start in enumerate(batches)
            ]
        )
        return list(zip(order, numbers.tolist(), strict=True))


class PairSampler(EpochSampler):
    """A sampler of pairs: each example, and the next one in its batch; for the last one, the first.

    The batch is that of all ranks together, so that each example has the same partner on any number of ranks.
    """

    def order(self) -> list[tuple[int, int]]:
        """Return the indices of all examples and of their partners, in the order of the epoch."""
        batches = self.indices().split(self.batch_size)
        partners = torch.cat([batch.roll(-1) for batch in batches]).tolist()
        return list(zip(torch.cat(batches).tolist(), partners, strict=True))
