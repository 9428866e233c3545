"""The part of a data module that makes loaders and prepares batches."""

from __future__ import annotations

import copy
import math
import warnings
from functools import partial
from typing import Any, ClassVar, Self

import torch
from lightning.pytorch import LightningDataModule, Trainer
from lightning.pytorch.trainer.states import TrainerStatus
from torch import Tensor
from torch.utils.data import DataLoader

from zoo.datamodules.common.augmentation import Augmentation, check_augmentation, is_mix, is_policy, mix
from zoo.datamodules.common.examples import Batches, Gathered, identity
from zoo.datamodules.common.loading import ResumableLoader
from zoo.datamodules.common.sampling import EpochSampler, NumbersSampler, PairSampler, random_numbers
from zoo.errors import ZooError
from zoo.kinds import Residence, Split
from zoo.support.ranks import rank_and_ranks

EVALUATION_BATCH_SIZE = 500
"""Smallest batch size in evaluation: without gradients larger batches fit, and they do not change the metrics."""

SECONDS_TO_LOAD = 50
"""Timeout of a worker for one batch."""


RENAMED = {"vary": "augment_batch", "adopt": "use_transform"}
"""Methods that data modules of other packages may override by their old names."""


class LoaderModule(LightningDataModule):
    """A data module that makes loaders from its splits.

    While a trainer runs, loaders yield inputs as they are stored, and the data module scales and augments them on the
    device. Otherwise, the loaders do so.
    """

    sampler: ClassVar[type[EpochSampler]] = EpochSampler
    augment: Augmentation = False
    """Whether, or how, to augment the training inputs at random."""
    classes: tuple[str, ...] = ()
    """Names of the classes, by index; empty for regression."""
    num_workers = 0
    """Number of processes that load batches; not needed for data in memory."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for old, new in RENAMED.items():
            if old in vars(cls):
                warnings.warn(f"{cls.__name__}.{old} is called {new} now", DeprecationWarning, stacklevel=2)
                setattr(cls, new, vars(cls)[old])

    def __init__(self, batch_size: int, seed: int, device_resident: Residence = "auto") -> None:
        super().__init__()
        if batch_size < 1:
            raise ZooError(f"batch_size must be at least 1, got {batch_size}")
        if batch_size >= 2**31:
            raise ZooError(f"batch_size must be below 2**31, got {batch_size}")
        if device_resident not in ("auto", True, False):
            raise ZooError(f"device_resident must be auto, True or False, got {device_resident!r}")
        self.batch_size, self.seed, self.device_resident = batch_size, seed, device_resident
        self.splits: dict[Split, Batches] = {}
        self.test_split: Split = "test"

    def scale(self, x: Tensor) -> Tensor:
        """Convert a batch of stored inputs, already on the device, to those of a network."""
        return x

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Augment a batch of scaled inputs; called in training if ``augment`` is set.

        Args:
            x: The inputs, shape ``(batch, ...)``.
            random: Random numbers in 0 to 1, shape ``(batch, 4)``. They depend on the seed and on the position in the
                training alone, and so are the same in a resumed run, and on any number of ranks.
        """
        return x

    def train_dataloader(self) -> DataLoader[Any]:
        """Return a loader of shuffled training batches. The last batch may be smaller."""
        return self._loader("train", shuffle=True)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return a loader of the validation split, or of the test set if ``val_size`` is 0."""
        return self._loader("val")

    def test_dataloader(self) -> DataLoader[Any]:
        """Return a loader of the test set."""
        return self._loader(self.test_split)

    def predict_dataloader(self) -> DataLoader[Any]:
        """Return a loader of the test set, in its original order."""
        return self._loader(self.test_split, sampler=EpochSampler)

    def with_test_split(self, split: Split) -> Self:
        """Return a copy that uses a split as its test set, to evaluate that split with ``trainer.test``."""
        other = copy.copy(self)
        other.test_split = split
        return other

    def check_ranks(self, ranks: int) -> None:
        """Raise ZooError if this number of processes cannot share the batches and splits; call it after ``setup``."""
        if self.batch_size % ranks:
            raise ZooError(f"batch_size {self.batch_size} is not divisible by the number of processes, {ranks}")
        for split, examples in self.splits.items():
            if len(examples) < ranks:
                raise ZooError(f"the {split} split has {len(examples)} examples, fewer than the {ranks} processes")

    def count_train_batches(self, ranks: int = 1) -> int:
        """Return the number of batches of a training epoch, on each of several ranks; call it after ``setup``."""
        return math.ceil(len(self.splits["train"]) // ranks / max(1, self.batch_size // ranks))

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Prepare a batch on the device, in the precision of the trainer."""
        assert self.trainer is not None
        if not isinstance(batch, Tensor):  # else it is the example input of the model summary, already scaled
            batch_idx = self.trainer.fit_loop.epoch_loop.batch_progress.current.ready
            batch = self._prepare_batch(batch, self.trainer.current_epoch, batch_idx, training=self.trainer.training)
        return self.trainer.precision_plugin.convert_input(batch)

    @property
    def prepares_all_alike(self) -> bool:
        """Whether all batches are prepared by the same operations, so that a graph may do it."""
        return not self.augment and type(self).on_after_batch_transfer is LoaderModule.on_after_batch_transfer

    def _prepare_batch(self, batch: tuple[Tensor, ...], epoch: int, batch_idx: int, training: bool) -> Any:
        x, y, *partners = batch
        x = self.scale(x)
        if training and self.augment and not isinstance(self.augment, str):
            x = self.augment_batch(x, self._random_numbers(len(x), epoch, batch_idx).to(x.device))
        if partners and is_mix(self.augment):
            other, random = (self.scale(partners[0]), partners[1]), self._random_numbers(len(x), epoch, batch_idx)
            return mix(self.augment, (x, y), other, len(self.classes), random.to(x.device))
        return x, y

    def _random_numbers(self, size: int, epoch: int, batch_idx: int) -> Tensor:
        rank, ranks = rank_and_ranks(self._running_trainer)
        return random_numbers(size * ranks, self.seed, epoch, batch_idx)[rank::ranks]

    @property
    def _running_trainer(self) -> Trainer | None:
        """The trainer, if it is running: otherwise it is not the one that asks for a loader."""
        return self.trainer if self.trainer and self.trainer.state.status == TrainerStatus.RUNNING else None

    @property
    def evaluation_batch_size(self) -> int:
        """Examples per batch in evaluation, over all ranks."""
        return max(self.batch_size, EVALUATION_BATCH_SIZE)

    def _loader(
        self, split: Split, shuffle: bool = False, sampler: type[EpochSampler] | None = None
    ) -> DataLoader[Any]:
        trainer = self._running_trainer
        rank, ranks = rank_and_ranks(trainer)
        self.check_ranks(ranks)
        device = trainer.strategy.root_device if trainer else None
        examples = self.splits[split]
        batch_size = self.batch_size if shuffle else self.evaluation_batch_size
        policy = self.augment if is_policy(self.augment) else None
        if shuffle and isinstance(self.augment, str):  # a sampler of Lightning's own, for overfit_batches, does neither
            check_augmentation(self.augment)
            if is_mix(self.augment) and not self.classes:
                raise ZooError(f"{self.augment} mixes classes, and {type(self).__name__} has none")
            sampler = NumbersSampler if policy else PairSampler
        return ResumableLoader(
            Gathered(examples, policy),
            batch_size=max(1, batch_size // ranks),
            sampler=(sampler or self.sampler)(
                examples, batch_size=batch_size, rank=rank, ranks=ranks, shuffle=shuffle, seed=self.seed
            ),
            prepare=None if trainer else partial(self._prepare_batch, training=shuffle),
            device=device,
            resident=self.device_resident,
            collate_fn=identity,
            num_workers=self.num_workers,
            timeout=SECONDS_TO_LOAD if self.num_workers else 0,
            persistent_workers=self.num_workers > 0,
            pin_memory=torch.cuda.is_available() and (device is None or device.type == "cuda"),
            generator=torch.Generator(),  # the global one would be advanced in each epoch, and change dropout's masks
        )
