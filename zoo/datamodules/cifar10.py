"""CIFAR-10, in the files of torchvision."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets

from zoo.datamodules.common.augmentation import Augmentation
from zoo.datamodules.common.base import DataUnavailableError
from zoo.datamodules.common.files import data_root, fetch_tar
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import ImageDataModule
from zoo.datamodules.common.in_memory import InMemory
from zoo.errors import ZooError
from zoo.kinds import Residence
from zoo.support.files import open_file
from zoo.transforms import Photo, Transform


class CIFAR10(InMemory, ImageDataModule):
    """Color photos of ten kinds of objects: 50,000 for training and validation, 10,000 for testing, 32×32.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images". Read from ``ROOT/cifar-10-batches-py``,
    as with torchvision, and downloaded if absent, with torchvision's checksum. The files are pickles, of which only
    arrays and plain values are loaded.

    Input: ``(batch, 3, 32, 32)``, floats in -1 to 1. Target: ``(batch,)``, the class.

    Args:
        root: Folder of the data sets. Default: the environment variable ``ZOO_DATA``, or else ``data``.
        padding: Black pixels added on each side.
        augment: Whether to shift and flip the training images at random;
            or ``RandAugment``, ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``, as in torchvision.
        batch_size, val_size, seed, device_resident: See :class:`zoo.datamodules.common.DataModule`.
    """

    stored_shape = (3, 32, 32)
    classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

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
        self.folder = self.root / datasets.CIFAR10.base_folder

    def prepare_data(self) -> None:
        """Download or unpack the files, unless they are on disk.

        Raises:
            DataUnavailableError: They are absent and cannot be downloaded.
            ZooError: The archive is damaged.
        """
        try:
            fetch_tar(datasets.CIFAR10.url, datasets.CIFAR10.tgz_md5, self.folder)
        except OSError as error:
            raise self._unavailable(str(error)) from None

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Read and check the training or test set: bytes ``(examples, 3, 32, 32)``, labels ``(examples,)``."""
        if train:
            batches = [(f"data_batch_{k}", f"training batch {k} of 5") for k in range(1, 6)]
        else:
            batches = [("test_batch", "testing batch 1 of 1")]
        parts = [self._read(self.folder / name, label) for name, label in batches]
        return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])

    def scale(self, x: Tensor) -> Tensor:
        """Convert bytes to floats in -1 to 1, and pad. Floats are returned unchanged."""
        return x if x.is_floating_point() else super().scale(x).mul_(2).sub_(1)

    @property
    def transform(self) -> Transform:
        """Turns the middle square of a picture into an input."""
        return Photo(low=-1.0, padding=self.padding)

    def _read(self, path: Path, batch_label: str) -> tuple[Tensor, Tensor]:
        try:
            with open_file(path) as file:
                content = _PlainUnpickler(file, encoding="bytes").load()
            found, data, labels = content[b"batch_label"].decode(), content[b"data"], content[b"labels"]
        except FileNotFoundError:
            raise self._unavailable(f"{path} is missing") from None
        except Exception:  # damaged pickles can raise anything
            raise ZooError(
                f"{path} is damaged, or not a batch of CIFAR-10; delete {self.folder} to have it unpacked again"
            ) from None
        if found != batch_label:
            raise ZooError(f"{path} contains the {found!r}, expected the {batch_label!r}")
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3072,):
            raise ZooError(f"{path} has no images of 3×32×32 bytes")
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise ZooError(f"{path} has labels that are not a list of integers")
        if len(data) != len(labels) or len(data) == 0:
            raise ZooError(f"{path} has {len(data)} images, but {len(labels)} labels")
        if min(labels) < 0 or max(labels) >= len(self.classes):
            raise ZooError(f"{path} has labels from {min(labels)} to {max(labels)}, expected 0 to 9")
        return torch.from_numpy(data.copy()).reshape(-1, *self.stored_shape), torch.tensor(labels)

    def _unavailable(self, reason: str) -> DataUnavailableError:
        archive = datasets.CIFAR10.filename
        return DataUnavailableError(
            f"CIFAR-10 is not in {self.folder} and cannot be downloaded ({reason}); put its files there (data_batch_1 "
            f"to 5, test_batch), or {archive} into {self.root}, or set --data.root or ZOO_DATA to the folder that "
            "contains them"
        )


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that accepts arrays and plain values only."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return an allowed class."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
