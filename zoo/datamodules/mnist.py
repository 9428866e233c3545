"""MNIST, in the files of torchvision."""

from __future__ import annotations

import os
from pathlib import Path

import torch
from torch import Tensor
from torchvision import datasets

from zoo.datamodules.common.augmentation import Augmentation
from zoo.datamodules.common.base import DataUnavailableError
from zoo.datamodules.common.files import data_root, download, offline_reason, read_idx, unpack_gz
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import ImageDataModule, small_affine
from zoo.datamodules.common.in_memory import InMemory
from zoo.errors import ZooError
from zoo.kinds import Residence
from zoo.transforms import Digit, Transform


class MNIST(InMemory, ImageDataModule):
    """Handwritten digits: 60,000 for training and validation, 10,000 for testing, 28×28 gray, light on dark.

    Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits". Read from ``ROOT/MNIST/raw``, as with
    torchvision, and downloaded if absent, with torchvision's checksums.

    Input: ``(batch, 1, 28, 28)``, floats in 0 to 1. Target: ``(batch,)``, the digit.

    Args:
        root: Folder of the data sets. Default: the environment variable ``ZOO_DATA``, or else ``data``.
        padding: Black pixels added on each side; 2 for images of 32×32.
        augment: Whether to rotate, shift and scale the training images slightly, at random;
            or ``RandAugment``, ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``, as in torchvision.
        batch_size, val_size, seed, device_resident: See :class:`zoo.datamodules.common.DataModule`.
    """

    stored_shape = (1, 28, 28)
    classes = tuple("0123456789")
    source = datasets.MNIST

    def __init__(
        self,
        root: str | None = None,
        padding: int = 0,
        augment: Augmentation = False,
        batch_size: int = 64,
        val_size: ValSize = 5_000,
        seed: int = 0,
        device_resident: Residence = "auto",
    ) -> None:
        super().__init__(
            padding, augment, batch_size=batch_size, val_size=val_size, seed=seed, device_resident=device_resident
        )
        self.root = data_root(root)
        self.folder = self.root / self.source.__name__ / "raw"

    def prepare_data(self) -> None:
        """Download or unpack the four files, unless they are on disk.

        Raises:
            DataUnavailableError: They are absent and cannot be downloaded.
            ZooError: An archive is damaged.
        """
        archives = [(self.folder / name, md5) for name, md5 in self.source.resources]
        absent = [archive for archive in archives if not os.path.exists(archive[0].with_suffix(""))]
        missing = [archive for archive in absent if not os.path.exists(archive[0])]
        if missing and (reason := offline_reason(self.source.mirrors)):
            raise self._unavailable(reason)
        try:
            for archive, md5 in missing:
                download([mirror + archive.name for mirror in self.source.mirrors], archive, md5)
            for archive, _ in absent:
                unpack_gz(archive, archive.with_suffix(""))
        except OSError as error:
            raise self._unavailable(str(error)) from None

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Read and check the training or test set: bytes ``(examples, 1, 28, 28)``, labels ``(examples,)``."""
        prefix = "train" if train else "t10k"
        images_file = self.folder / f"{prefix}-images-idx3-ubyte"
        labels_file = self.folder / f"{prefix}-labels-idx1-ubyte"
        try:
            images, labels = read_idx(images_file, 3), read_idx(labels_file, 1)
        except FileNotFoundError as error:
            raise self._unavailable(f"{error.filename} is missing") from None
        except OSError as error:
            raise ZooError(f"{error.filename} cannot be read: {error.strerror}") from None
        if images.shape[1:] != self.stored_shape[1:]:
            raise ZooError(f"{images_file} has images of {images.shape[1]}×{images.shape[2]}, expected 28×28")
        if len(images) != len(labels):
            raise ZooError(f"{images_file} has {len(images)} images, but {labels_file} has {len(labels)} labels")
        if len(labels) == 0:
            raise ZooError(f"{images_file} has no images")
        if int(labels.max()) >= len(self.classes):
            row = int(labels.argmax())
            raise ZooError(f"{labels_file} has the label {int(labels[row])} (example {row}), expected 0 to 9")
        return images.unsqueeze(1), labels.to(torch.int64)

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Rotate, shift and scale each digit slightly. Flipped digits would not be digits."""
        return small_affine(x, random)

    @property
    def transform(self) -> Transform:
        """Turns a picture of a digit into an input."""
        return Digit(padding=self.padding)

    def _unavailable(self, reason: str) -> DataUnavailableError:
        names = ", ".join(Path(name).stem for name, _ in self.source.resources)
        name = type(self).__name__
        return DataUnavailableError(
            f"{name} is not in {self.folder} and cannot be downloaded ({reason}); put its files there ({names}; "
            "plain or .gz), or set --data.root or ZOO_DATA to the folder that contains them"
        )
