"""What every data module shares: splits, samplers and batches gathered from tensors held in memory."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Literal, Self

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, DistributedSampler

from zoo.errors import ZooError
from zoo.losses import InputKind, TargetKind
from zoo.signatures import arguments_of

Split = Literal["train", "val", "test"]

SPLIT_SEED = 0
"""Seeds the choice of the validation part: the same examples for every run, so that runs compare."""


EVALUATION_BATCH_SIZE = 500
"""Without gradients larger batches fit, and metrics do not depend on them."""


class DataUnavailableError(ZooError):
    """The data set is not on disk and cannot be downloaded."""


class Batches(Dataset[tuple[Tensor, Tensor]], ABC):
    """Examples that are fetched a whole batch at a time."""

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of examples."""

    @abstractmethod
    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the batch of these indices; DataLoader prefers this to one call an example and a collation."""


class Examples(Batches):
    """Inputs and targets in memory."""

    def __init__(self, x: Tensor, y: Tensor) -> None:
        self.tensors = x, y

    def __len__(self) -> int:
        """Return the number of examples."""
        return len(self.tensors[1])

    def __getitems__(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return the batch of these indices."""
        chosen = torch.tensor(indices)
        x, y = self.tensors
        return x.index_select(0, chosen), y.index_select(0, chosen)  # several times faster than [chosen]


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
        generator = torch.Generator().manual_seed(self.seed * 1_000_003 + self.epoch)
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
    """A loader whose place in the epoch is part of Lightning's checkpoints: a resumed run sees what is left of it."""

    sampler: EpochSampler
    resumed: dict[str, int] | None = None
    fetched = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield the epoch's batches, those before the place of a checkpoint left out.

        A generator, since Lightning asks for an iterator before it tells the sampler the epoch.
        """
        skipped = 0
        if self.resumed is not None:
            skipped = self.resumed["batches"] if self.resumed["epoch"] == self.sampler.epoch else 0
            self.resumed = None
        assert self.batch_size is not None
        self.fetched, self.sampler.start = skipped, skipped * self.batch_size
        for batch in super().__iter__():
            self.fetched += 1
            yield batch
        self.sampler.start = 0

    def state_dict(self) -> dict[str, int]:
        """Return the place in the epoch."""
        return {"epoch": self.sampler.epoch, "batches": self.fetched}

    def load_state_dict(self, state_dict: dict[str, int]) -> None:
        """Go on from a place in an epoch."""
        self.resumed = state_dict


class InMemoryDataModule(LightningDataModule, ABC):
    """A data set that fits in memory, as tensors, split into train, val and test.

    A batch is a pair of inputs and targets; inputs are scaled, and augmented if asked to, on the device.

    Args:
        batch_size: Examples a batch, over all ranks together.
        val_size: Examples held out of the training set for validation. With 0, the whole training set is trained on and
            the test set takes the place of the validation set.
        seed: Seeds the order of the training examples.

    Raises:
        ZooError: A value makes no sense, or the data is damaged.
    """

    kind: ClassVar[InputKind]
    """What the inputs are, as networks name what they take."""
    target: ClassVar[TargetKind] = "class"
    """What the targets are."""
    shape: tuple[int, ...]
    """Shape of one input."""
    classes: ClassVar[tuple[str, ...]] = ()
    """Names of the classes, by index; none for numbers."""
    sampler: ClassVar[type[EpochSampler]] = EpochSampler
    num_workers = 0
    """Processes that load batches; what is in memory needs none."""

    def __init__(self, batch_size: int = 64, val_size: int = 0, seed: int = 0) -> None:
        super().__init__()
        if batch_size < 1:
            raise ZooError(f"batch_size must be at least 1, got {batch_size}")
        if val_size < 0:
            raise ZooError(f"val_size must be at least 0, got {val_size}")
        self.batch_size, self.val_size, self.seed = batch_size, val_size, seed
        self.splits: dict[Split, Batches] = {}
        self.save_hyperparameters(*arguments_of(type(self)), logger=False)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the inputs, shape ``(examples, *shape)``, and targets of the training or test set."""
        raise NotImplementedError

    @abstractmethod
    def encode(self, source: str) -> Tensor:
        """Turn what a user gives to predict on into one input, with a batch dimension of 1, as a model takes it."""

    def scale(self, x: Tensor) -> Tensor:
        """Turn a batch of stored inputs, already on the device, into what a model takes."""
        return x

    def augmented(self, x: Tensor) -> Tensor:
        """Vary a batch of scaled inputs at random, in training alone."""
        return x

    @abstractmethod
    def model_arguments(self) -> dict[str, int | bool]:
        """Return what a model must know of the data to fit it, by the names of models' arguments."""

    def setup(self, stage: str = "fit") -> None:
        """Load the data and split it; once, however often it is called."""
        if not self.splits:
            self.splits = self.load_splits()

    def load_splits(self) -> dict[Split, Batches]:
        """Return the examples of each split."""
        whole, test = Examples(*self.load(train=True)), Examples(*self.load(train=False))
        if not self.val_size:
            return {"train": whole, "val": test, "test": test}
        train, val = (Examples(*(t.index_select(0, part) for t in whole.tensors)) for part in self.split(len(whole)))
        return {"train": train, "val": val, "test": test}

    def split(self, size: int) -> tuple[Tensor, Tensor]:
        """Return which of the training set's examples are trained on, and which are held out for validation."""
        if self.val_size >= size:
            raise ZooError(f"val_size {self.val_size} leaves nothing to train on: the training set has {size} examples")
        order = torch.randperm(size, generator=torch.Generator().manual_seed(SPLIT_SEED))
        return order[self.val_size :], order[: self.val_size]

    def train_dataloader(self) -> DataLoader[Any]:
        """Return shuffled batches of the training split; the last one may be smaller."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return batches of the validation split, or of the test set when ``val_size`` is 0."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Return batches of the test set."""
        return self._loader("test")

    predict_dataloader = test_dataloader

    def testing_on(self, split: Split) -> Self:
        """Return this data module with a split in the place of the test set, to evaluate it by ``trainer.test``."""
        other = copy.copy(self)
        other.splits = {**self.splits, "test": self.splits[split]}
        return other

    def check_ranks(self, ranks: int) -> None:
        """Raise ZooError if that many processes cannot share the batches and splits; call it after ``setup``."""
        if self.batch_size % ranks:
            raise ZooError(f"batch_size {self.batch_size} cannot be shared equally by {ranks} processes")
        for split, examples in self.splits.items():
            if len(examples) < ranks:
                raise ZooError(f"the {split} split has {len(examples)} examples, fewer than the {ranks} processes")

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Scale the inputs on the device, in the precision of the trainer."""
        assert self.trainer is not None
        if isinstance(batch, Tensor):  # the example input of the model summary, which is scaled already
            return self.trainer.precision_plugin.convert_input(batch)
        x, y = batch
        x = self.scale(x)
        if self.trainer.training:
            x = self.augmented(x)
        return self.trainer.precision_plugin.convert_input((x, y))

    def _loader(self, split: Split, shuffle: bool = False) -> DataLoader[Any]:
        rank, ranks = (self.trainer.global_rank, self.trainer.world_size) if self.trainer else (0, 1)
        self.check_ranks(ranks)
        examples = self.splits[split]
        batch_size = self.batch_size if shuffle else max(self.batch_size, EVALUATION_BATCH_SIZE)
        sampler = self.sampler(examples, batch_size=batch_size, rank=rank, ranks=ranks, shuffle=shuffle, seed=self.seed)
        return ResumableLoader(
            examples,
            batch_size=max(1, batch_size // ranks),
            sampler=sampler,
            collate_fn=_as_it_is,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # else each epoch would draw from the global one, and shift dropout's masks
        )


def _as_it_is(batch: Any) -> Any:
    return batch
