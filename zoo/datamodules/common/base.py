"""The base class of data modules: options, splits, and what networks need to know of the data."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, get_args

import torch
from torch import Tensor

from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.folds import Fold, ValSize, check_val_size, choose_fold
from zoo.datamodules.common.loader_module import LoaderModule
from zoo.datamodules.common.splitting import SPLIT_SEED, check_leaves_some, count_of
from zoo.errors import ZooError
from zoo.kinds import InputKind, Residence, Split, TargetKind
from zoo.support.files import parse_path
from zoo.support.signatures import constructor_arguments
from zoo.transforms import Transform

if TYPE_CHECKING:
    from zoo.support.figure import Figure


class DataUnavailableError(ZooError):
    """The data set is not on disk and cannot be downloaded."""


class DataModule(LoaderModule, ABC):
    """A data set, split into train, val and test.

    A batch is a pair of inputs and targets. ``splits`` holds each split as a torch data set, whose examples are scaled
    and not augmented.

    Args:
        batch_size: Examples per batch, over all ranks.
        val_size: Number of training examples held out for validation, or their fraction if below 1. If 0, all of them
            are used for training, and the test set replaces the validation set. ``"2/5"`` is the second of five folds.
        seed: Seed of the order of the training examples.
        device_resident: Whether examples in memory are moved to a GPU once, rather than batch by batch. ``auto``: if
            they take at most a quarter of its free memory.

    Raises:
        ZooError: A value is invalid, or the data is damaged.
    """

    kind: InputKind
    """Kind of the inputs."""
    target: TargetKind = "class"
    """Kind of the targets."""
    targets: ClassVar[tuple[TargetKind, ...]] = ()
    """Kinds that the targets can have, if only the data tells; ``target`` can then be read once the data is there."""
    shape: tuple[int, ...]
    """Shape of one input."""
    new_targets = False
    """Whether the classes may be others than those of the transform in use: those of a run that starts from weights."""
    only_test = False
    """Whether to use all examples for testing: those of files other than a network was trained on."""
    checksum = ""
    """See :meth:`compute_checksum`; known after ``setup``."""
    any_shape: ClassVar[bool] = False
    """Whether arguments ``image_size`` and ``channels`` set the shape; by default, as the network documents."""
    of_this_machine: ClassVar[tuple[str, ...]] = ("root", "num_workers", "seed", "device_resident")
    """Arguments that checkpoints do not hand on: where the data is, and how it is loaded."""
    coefficients: tuple[float, ...] = ()
    """True values of a network's parameters, in their order, for data that was generated with them."""

    def __init__(
        self, batch_size: int = 64, val_size: ValSize = 0, seed: int = 0, device_resident: Residence = "auto"
    ) -> None:
        super().__init__(batch_size, seed, device_resident)
        check_val_size(val_size)
        self.val_size = val_size
        self.save_hyperparameters(constructor_arguments(self), logger=False)

    @abstractmethod
    def load_splits(self) -> dict[Split, Batches]:
        """Return the examples of each split; ``val`` is not needed if ``val_size`` is 0."""

    @property
    @abstractmethod
    def transform(self) -> Transform | None:
        """Turns a picture, a text or a row of numbers into an input. It is saved with the weights of a network."""

    @abstractmethod
    def model_arguments(self) -> dict[str, int | bool]:
        """Return the arguments with which a network fits the data, by name."""

    def compute_checksum(self) -> str:
        """Return what changes when files of the user's own do, wherever they are; empty for data that all share."""
        return ""

    def find_broken(self) -> list[str]:
        """Return which files cannot be read, and why, a line each; ``setup`` stops at the first."""
        return []

    def use_transform(self, transform: Transform | None) -> None:  # most data modules learn nothing from the data
        """Use the transform of a trained network, where it is learned from the data; call it before ``setup``."""

    def setup(self, stage: str = "fit") -> None:
        """Load and split the data, once."""
        if self.splits:
            return
        self.checksum = self.compute_checksum()
        splits = self.load_splits()
        if self.only_test:
            splits = dict.fromkeys(get_args(Split), splits["test"])
        elif not self.val_size:
            splits["val"] = splits["test"]
        if type(self).scale is not LoaderModule.scale:
            scaler = copy.copy(self)  # without the data and the trainer, since it is sent to other processes
            scaler.trainer = None
            for examples in splits.values():
                examples.scale = scaler.scale
        self.splits = splits

    @property
    def sizes(self) -> dict[str, int]:
        """Number of examples of each split; call it after ``setup``."""
        return {split: len(examples) for split, examples in self.splits.items()}

    @property
    def cache_folder(self) -> Path | None:
        """Folder for what is computed from the data: beside it. None if the data is in no files."""
        if (root := getattr(self, "root", None)) is not None:
            return Path(root)
        if not (name := getattr(self, "path", None)):
            return None
        try:
            path = parse_path(name, "--data.path")
        except ZooError:  # no file of this machine
            return None
        return path if path.is_dir() else path.parent

    def plot_batch(self, split: Split = "train") -> Figure:
        """Return a figure of matplotlib with the first batch of a split, as a network gets it, and its targets.

        Args:
            split: One of ``train``, ``val`` and ``test``.
        """
        from zoo.datamodules.common.plots import draw_examples, target_as_text

        if not self.splits:
            self.prepare_data()
            self.setup()
        x, y = next(iter(self._loader(split, shuffle=split == "train")))
        captions = [[(target_as_text(self, target), "black")] for target in y]
        return draw_examples(self, x, captions, f"{type(self).__name__}, {split}: {len(self.splits[split]):,} examples")

    def class_counts(self) -> list[int]:
        """Return the number of training examples of each class; call it after ``setup``."""
        return torch.bincount(self.splits["train"].labels(), minlength=len(self.classes)).tolist()

    def split(self, size: int, targets: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the indices of the training examples, and those of the examples held out for validation.

        Args:
            size: Number of examples.
            targets: Their targets, if folds are to have equal shares of each class.
        """
        if isinstance(self.val_size, str):
            return choose_fold(torch.zeros(size) if targets is None else targets, Fold.parse(self.val_size))
        held_out = count_of(self.val_size, size, "val_size")
        check_leaves_some(self.val_size, held_out, size, "val_size")
        order = torch.randperm(size, generator=torch.Generator().manual_seed(SPLIT_SEED))
        return order[held_out:], order[:held_out]
