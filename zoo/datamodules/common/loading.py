"""A DataLoader whose position in the epoch can be saved and restored."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader

from zoo.datamodules.common.examples import Examples, Gathered, identity
from zoo.datamodules.common.sampling import EpochSampler
from zoo.errors import ZooError
from zoo.internals.messages import is_worker_failure
from zoo.kinds import Residence
from zoo.support.console import one_line
from zoo.support.ranks import rank_and_ranks
from zoo.support.seeds import combine_seeds, seed_generators

DEVICE_SHARE = 0.25
"""Share of the free memory of a GPU that examples may take, to be there from the first epoch on."""

BYTES_AT_ONCE = 2**20
"""Size of the batches that are gathered by one call: as much as stays in a processor's cache."""

ALIGNMENT = 64
"""Bytes to which torch aligns tensors. Products of other floats might be summed in another order."""

STEPS = 0
"""Distinguishes the seeds of training steps from those of augmentation."""


class ResumableLoader(DataLoader[Any]):
    """A DataLoader whose position in the epoch is saved in checkpoints, so that a resumed run continues from there.

    In training it seeds torch's global generators for each batch, from the sampler's seed, the epoch and the batch, so
    that random numbers drawn in a step, for example by dropout, are the same in a resumed run and on all ranks.

    Lightning may replace the sampler, to predict or to overfit. Batches are then in the order of that sampler.

    Args:
        dataset: The examples.
        prepare: Function of a stored batch, the epoch and the index of the batch, that returns the inputs and targets
            of a network. None if the trainer does this on the device.
        device: The device of the trainer.
        resident: Whether examples in memory are moved to a GPU once; ``auto`` if there is room.
        **options: Arguments of ``DataLoader``.

    Raises:
        ZooError: While iterating: an example cannot be read, a worker failed, or the number of processes has changed.
    """

    resumed: dict[str, int] | None = None
    fetched = 0

    def __init__(
        self,
        dataset: Gathered,
        *,
        prepare: Callable[[Any, int, int], Any] | None = None,
        device: torch.device | None = None,
        resident: Residence = "auto",
        **options: Any,
    ) -> None:
        super().__init__(dataset, **options)
        self.prepare, self.device, self.resident = prepare, device, resident

    @property
    def order(self) -> EpochSampler | None:
        """The sampler, if it is an :class:`EpochSampler`."""
        sampler = getattr(self.batch_sampler, "sampler", None)
        return sampler if isinstance(sampler, EpochSampler) else None

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield the batches of the epoch, from the restored position on.

        This is a generator, since Lightning creates the iterator before it sets the sampler's epoch.
        """
        order = self.order
        epoch = order.epoch if order else 0
        if order and self.prepare and order.num_replicas != (ranks := rank_and_ranks(None)[1]):
            raise ZooError(
                f"the loader was made for {order.num_replicas} processes, but there are {ranks}; pass the data module "
                "itself to the trainer, or make the loader after all processes have started"
            )
        self.fetched = self.resumed["batches"] if self.resumed and self.resumed["epoch"] == epoch else 0
        self.resumed = None
        if order:
            order.start = self.fetched * self.batch_sampler.batch_size  # type: ignore[union-attr]
        try:
            for batch in self._batches(order):
                if isinstance(batch, ZooError):
                    raise batch
                if order and order.shuffle:  # in training, a step's random numbers depend on its position alone
                    seed_generators(combine_seeds(order.seed, epoch, self.fetched, STEPS))
                prepared = self.prepare(batch, epoch, self.fetched) if self.prepare else batch
                self.fetched += 1
                yield prepared
        except RuntimeError as error:
            if not is_worker_failure(error):
                raise
            raise ZooError(
                f"a data loading worker failed: {one_line(error)}; check memory and disk, or load in the "
                "main process with --data.num_workers 0"
            ) from None
        if order:
            order.start = 0

    def _batches(self, order: EpochSampler | None) -> Iterator[Any]:
        """Yield the batches that ``DataLoader`` would; of examples in memory, without its detours."""
        # To predict, Lightning puts in a batch sampler of its own, which must see the indices.
        is_usual = type(self.batch_sampler) is BatchSampler and type(order) is EpochSampler and not self.drop_last
        is_usual &= type(self.dataset) is Gathered and self.collate_fn is identity
        tensors = self._tensors if is_usual else None
        if not tensors or not order:
            yield from super().__iter__()
        elif len(indices := order.share()):
            size: int = self.batch_sampler.batch_size  # type: ignore[union-attr]
            for chosen in indices.to(tensors[0].device).split(size * _batches_at_once(tensors, size)):
                yield from zip(*(tensor.index_select(0, chosen).split(size) for tensor in tensors), strict=True)

    @cached_property
    def _tensors(self) -> tuple[Tensor, ...] | None:
        """The examples, on the device if there is room; None if they must be fetched, or copied batch by batch."""
        examples = getattr(self.dataset, "examples", None)
        if type(examples) is not Examples:
            return None
        if not self.device or self.device.type != "cuda":
            return None if self.pin_memory else examples.tensors
        resident = self.resident
        if resident == "auto":
            free, _ = torch.cuda.mem_get_info(self.device)
            resident = sum(tensor.nbytes for tensor in examples.tensors) <= free * DEVICE_SHARE
        return tuple(tensor.to(self.device) for tensor in examples.tensors) if resident else None

    def state_dict(self) -> dict[str, int]:
        """Return the position in the epoch."""
        return {"epoch": self.order.epoch if self.order else 0, "batches": self.fetched}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Restore a position in an epoch."""
        self.resumed = state_dict


def _batches_at_once(tensors: tuple[Tensor, ...], size: int) -> int:
    """Return how many batches of ``size`` examples are gathered by one call."""
    if any(tensor.is_floating_point() and size * tensor[0].nbytes % ALIGNMENT for tensor in tensors):
        return 1
    return max(1, BYTES_AT_ONCE // sum(size * tensor[0].nbytes for tensor in tensors))
