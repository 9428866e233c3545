"""How examples reach a network: gathered a batch at a time, in an order that a resumed run takes up again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch.utils.data import DataLoader, DistributedSampler

from zoo.datamodules.common.examples import Batches, Gathered
from zoo.errors import ZooError
from zoo.support.ranks import rank_and_ranks
from zoo.support.seeds import combine_seeds, seed_generators

STEPS = 0
"""Tells the seeds of what steps draw from those of augmentation."""


class EpochSampler(DistributedSampler[Any]):
    """The share of one rank in an epoch's order, which is a function of seed and epoch alone.

    Rank r of W takes every W-th example from the r-th on, so that the r-th batches of all ranks together are the batch
    that a single process would see. When training, every rank gets equally many: up to W - 1 examples of an epoch are
    left out. When evaluating, none is left out and none is seen twice, unlike with torch's own sampler.

    Lightning leaves a ``DistributedSampler`` alone, and tells it the epoch.

    Args:
        examples: What is sampled from.
        batch_size: Examples a batch, over all ranks together.
        rank: The rank.
        ranks: How many there are.
        shuffle: Whether it is for training.
        seed: Seeds the order.
    """

    def __init__(
        self, examples: Batches, *, batch_size: int, rank: int = 0, ranks: int = 1, shuffle: bool = False, seed: int = 0
    ) -> None:
        super().__init__(examples, num_replicas=ranks, rank=rank, shuffle=shuffle, seed=seed)
        self.size, self.batch_size, self.start = len(examples), batch_size, 0

    def order(self) -> list[int]:
        """Return the indices of all examples in the order of the epoch."""
        if not self.shuffle:
            return list(range(self.size))
        generator = torch.Generator().manual_seed(combine_seeds(self.seed, self.epoch))
        return torch.randperm(self.size, generator=generator).tolist()

    def __iter__(self) -> Iterator[int]:
        """Yield the indices of this rank."""
        order = self.order()
        shared = len(order) - len(order) % self.num_replicas if self.shuffle else len(order)
        return iter(order[self.rank : shared : self.num_replicas][self.start :])

    def __len__(self) -> int:
        """Return the number of indices of this rank."""
        if self.shuffle:
            return self.size // self.num_replicas
        return len(range(self.rank, self.size, self.num_replicas))


class ResumableLoader(DataLoader[Any]):
    """A loader whose place in the epoch is part of Lightning's checkpoints: a resumed run sees what is left of it.

    In training it seeds torch's global generators for each batch, from the sampler's seed, the epoch and the batch:
    what a step draws at random, such as dropout's masks, is then the same in a resumed run, and on every rank.

    Lightning may put other samplers in the place of ours, to predict or to overfit. Batches are then in their order.

    Args:
        dataset: What is loaded.
        prepare: Turns a stored batch, of an epoch and a place in it, into what a network takes; None where the trainer
            has that done on the device.
        **options: Arguments of ``DataLoader``.

    Raises:
        ZooError: In iterating: there are more processes than there were when it was made.
    """

    resumed: dict[str, int] | None = None
    fetched = 0

    def __init__(
        self, dataset: Gathered, *, prepare: Callable[[Any, int, int], Any] | None = None, **options: Any
    ) -> None:
        super().__init__(dataset, **options)
        self.prepare = prepare

    @property
    def order(self) -> EpochSampler | None:
        """The sampler, if it is one of ours."""
        sampler = getattr(self.batch_sampler, "sampler", None)
        return sampler if isinstance(sampler, EpochSampler) else None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield the epoch's batches, those before the place of a checkpoint left out.

        A generator, since Lightning asks for an iterator before it tells the sampler the epoch.
        """
        order = self.order
        epoch = order.epoch if order else 0
        if order and self.prepare and order.num_replicas != (ranks := rank_and_ranks(None)[1]):
            raise ZooError(
                f"the loader was made for {order.num_replicas} processes, and there are {ranks}: give the trainer the "
                "data module itself, or make the loader when all processes have started"
            )
        self.fetched = self.resumed["batches"] if self.resumed and self.resumed["epoch"] == epoch else 0
        self.resumed = None
        if order:
            order.start = self.fetched * self.batch_sampler.batch_size  # type: ignore[union-attr]
        try:
            for batch in super().__iter__():
                if order and order.shuffle:  # in training, what a step draws depends on its place alone
                    seed_generators(combine_seeds(order.seed, epoch, self.fetched, STEPS))
                prepared = self.prepare(batch, epoch, self.fetched) if self.prepare else batch
                self.fetched += 1
                yield prepared
        except ZooError as error:  # one from a worker brings its traceback along
            raise ZooError(str(error).strip().splitlines()[-1].removeprefix("zoo.errors.ZooError: ")) from None
        except RuntimeError as error:
            if not re.search(r"DataLoader (timed out|worker \(pid)", str(error)):  # else it is what a worker raised
                raise
            raise ZooError(
                f"a process that loads data gives nothing any more: {' '.join(str(error).split())}; "
                "is there memory, and is the disk there? --data.num_workers 0 loads in this process"
            ) from None
        if order:
            order.start = 0

    def state_dict(self) -> dict[str, int]:
        """Return the place in the epoch."""
        return {"epoch": self.order.epoch if self.order else 0, "batches": self.fetched}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on from a place in an epoch."""
        self.resumed = state_dict
