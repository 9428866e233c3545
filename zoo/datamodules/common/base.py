"""What every data module shares: splits, loaders, and what networks must know of the data."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from functools import partial
from typing import Any, ClassVar, Self

import torch
from lightning.pytorch import LightningDataModule, Trainer
from lightning.pytorch.trainer.states import TrainerStatus
from torch import Tensor
from torch.utils.data import DataLoader

from zoo.datamodules.common.examples import Batches, Examples, Gathered, identity
from zoo.datamodules.common.loading import EpochSampler, ResumableLoader
from zoo.errors import ZooError
from zoo.kinds import InputKind, Split, TargetKind
from zoo.support.ranks import rank_and_ranks
from zoo.support.seeds import combine_seeds
from zoo.support.signatures import constructor_arguments
from zoo.transforms import Transform

SPLIT_SEED = 0
"""Seeds the choice of the validation part: the same examples for every run, so that runs compare."""


EVALUATION_BATCH_SIZE = 500
"""Without gradients larger batches fit, and metrics do not depend on them."""


SECONDS_TO_LOAD = 50
"""A worker that takes longer for a batch hangs."""


class DataUnavailableError(ZooError):
    """The data set is not on disk and cannot be downloaded."""


class DataModule(LightningDataModule, ABC):
    """A data set, split into train, val and test.

    A batch is a pair of inputs and targets. While a trainer runs, loaders give inputs as they are stored, and they are
    scaled, and augmented if asked to, on the device; at other times the loaders do it. ``splits`` holds each split as a
    data set of torch, whose examples are scaled, and not augmented.

    Args:
        batch_size: Examples a batch, over all ranks together.
        val_size: Examples held out of the training set for validation, or their share, below 1. With 0, the whole
            training set is trained on and the test set takes the place of the validation set.
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
    coefficients: tuple[float, ...] = ()
    """The numbers that a network is to find in data that was made with them, in the order of its parameters."""
    sampler: ClassVar[type[EpochSampler]] = EpochSampler
    augment = False
    """Whether to vary the training inputs at random."""
    num_workers = 0
    """Processes that load batches; what is in memory needs none."""

    def __init__(self, batch_size: int = 64, val_size: int | float = 0, seed: int = 0) -> None:
        super().__init__()
        if batch_size < 1:
            raise ZooError(f"batch_size must be at least 1, got {batch_size}")
        if batch_size >= 2**31:
            raise ZooError(f"batch_size must be below 2**31, got {batch_size}")
        if not (val_size >= 0 and (isinstance(val_size, int) or val_size < 1)):
            raise ZooError(f"val_size must be at least 0, and below 1 if it is a share, got {val_size}")
        self.batch_size, self.val_size, self.seed = batch_size, val_size, seed
        self.splits: dict[Split, Batches] = {}
        self.test_split: Split = "test"
        self.save_hyperparameters(constructor_arguments(self), logger=False)

    @abstractmethod
    def load_splits(self) -> dict[Split, Batches]:
        """Return the examples of each split."""

    @property
    @abstractmethod
    def transform(self) -> Transform:
        """What turns a picture, a text or a row into an input as this data's are; it travels with the weights."""

    def scale(self, x: Tensor) -> Tensor:
        """Turn a batch of stored inputs, already on the device, into what a model takes."""
        return x

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Vary a batch of scaled inputs, in training alone, if ``augment`` is set.

        Args:
            x: The inputs, shape ``(batch, ...)``.
            random: Random numbers in 0 to 1, four for each input, shape ``(batch, 4)``: the same for a place in an
                epoch in any run of this seed, resumed or not, on any number of ranks.
        """
        return x

    @abstractmethod
    def model_arguments(self) -> dict[str, int | bool]:
        """Return what a model must know of the data to fit it, by the names of models' arguments."""

    def use_transform(self, transform: Transform | None) -> None:  # most have nothing to learn
        """Make inputs as a trained network is used to them, where that was learned from data; call it before setup."""

    def setup(self, stage: str = "fit") -> None:
        """Load the data and split it; once, however often it is called."""
        if self.splits:
            return
        splits = self.load_splits()
        if type(self).scale is not DataModule.scale:
            alone = copy.copy(self)  # without the data and the trainer: it goes along into other processes
            alone.trainer = None
            for examples in splits.values():
                examples.scale = alone.scale
        self.splits = splits

    def split(self, size: int) -> tuple[Tensor, Tensor]:
        """Return which of the training set's examples are trained on, and which are held out for validation."""
        held_out = self.held_out(size)
        if held_out >= size:
            raise ZooError(f"val_size {self.val_size} leaves nothing to train on: the training set has {size} examples")
        order = torch.randperm(size, generator=torch.Generator().manual_seed(SPLIT_SEED))
        return order[held_out:], order[:held_out]

    def held_out(self, size: int) -> int:
        """Return how many of so many examples ``val_size`` stands for. Raises ZooError for a share that is none."""
        held_out = round(self.val_size * size) if isinstance(self.val_size, float) else self.val_size
        if self.val_size and not held_out:
            raise ZooError(f"val_size {self.val_size} of {size} examples is none; give a larger share")
        return held_out

    def train_dataloader(self) -> DataLoader[Any]:
        """Return shuffled batches of the training split; the last one may be smaller."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return batches of the validation split, or of the test set when ``val_size`` is 0."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Return batches of the test set."""
        return self._loader(self.test_split)

    def predict_dataloader(self) -> DataLoader[Any]:
        """Return batches of the test set, in its own order: that of the answers."""
        return self._loader(self.test_split, sampler=EpochSampler)

    def with_test_split(self, split: Split) -> Self:
        """Return this data module with a split in the place of the test set, to evaluate it by ``trainer.test``."""
        other = copy.copy(self)
        other.test_split = split
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
        if not isinstance(batch, Tensor):  # else it is the example input of the model summary, scaled already
            batch_idx = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
            batch = self._prepare_batch(batch, self.trainer.current_epoch, batch_idx, training=self.trainer.training)
        return self.trainer.precision_plugin.convert_input(batch)

    def _prepare_batch(self, batch: tuple[Tensor, Tensor], epoch: int, batch_idx: int, training: bool) -> Any:
        x, y = batch
        x = self.scale(x)
        if self.augment and training:
            x = self.augment_batch(x, self._random_numbers(len(x), epoch, batch_idx).to(x.device))
        return x, y

    def _random_numbers(self, size: int, epoch: int, batch_idx: int) -> Tensor:
        generator = torch.Generator().manual_seed(combine_seeds(self.seed, epoch, batch_idx))
        rank, ranks = rank_and_ranks(self._running_trainer)
        return torch.rand(size * ranks, 4, generator=generator)[rank::ranks]

    @property
    def _running_trainer(self) -> Trainer | None:
        """The trainer, while it is at work with this data; whoever asks for batches at other times is someone else."""
        return self.trainer if self.trainer and self.trainer.state.status == TrainerStatus.RUNNING else None

    @property
    def evaluation_batch_size(self) -> int:
        """Examples a batch in evaluation, over all ranks together."""
        return max(self.batch_size, EVALUATION_BATCH_SIZE)

    def _loader(
        self, split: Split, shuffle: bool = False, sampler: type[EpochSampler] | None = None
    ) -> DataLoader[Any]:
        trainer = self._running_trainer
        rank, ranks = rank_and_ranks(trainer)
        self.check_ranks(ranks)
        examples = self.splits[split]
        batch_size = self.batch_size if shuffle else self.evaluation_batch_size
        return ResumableLoader(
            Gathered(examples),
            batch_size=max(1, batch_size // ranks),
            sampler=(sampler or self.sampler)(
                examples, batch_size=batch_size, rank=rank, ranks=ranks, shuffle=shuffle, seed=self.seed
            ),
            prepare=None if trainer else partial(self._prepare_batch, training=shuffle),
            collate_fn=identity,
            num_workers=self.num_workers,
            timeout=SECONDS_TO_LOAD if self.num_workers else 0,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available(),
            generator=torch.Generator(),  # else each epoch would draw from the global one, and shift dropout's masks
        )


class InMemory(DataModule):
    """A data set that fits in memory, as tensors."""

    @abstractmethod
    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the inputs, shape ``(examples, *shape)``, and targets of the training or test set."""

    def load_splits(self) -> dict[Split, Batches]:
        """Return the examples of each split."""
        whole, test = Examples(*self.load(train=True)), Examples(*self.load(train=False))
        if not self.val_size:
            return {"train": whole, "val": test, "test": test}
        train, val = (Examples(*(t.index_select(0, part) for t in whole.tensors)) for part in self.split(len(whole)))
        return {"train": train, "val": val, "test": test}
