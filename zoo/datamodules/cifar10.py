"""CIFAR-10, as torchvision lays it out on disk."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor
from torchvision import datasets

from zoo.datamodules.common.base import DataUnavailableError, InMemory
from zoo.datamodules.common.files import data_root, fetch_tar
from zoo.datamodules.common.images import ImageDataModule
from zoo.errors import ZooError
from zoo.support.files import open_file
from zoo.transforms import Photo, Transform


class CIFAR10(InMemory, ImageDataModule):
    """Small color photos of ten kinds of things: 50,000 to train and validate, 10,000 to test, 32 pixels each way.

    Source: Krizhevsky, "Learning Multiple Layers of Features from Tiny Images". Read from ``ROOT/cifar-10-batches-py``,
    where torchvision keeps it, and downloaded there, with torchvision's checksum, if it is absent. The files are
    pickles; nothing but arrays and plain values is unpickled.

    Input: ``(batch, 3, 32, 32)``, floats in -1 to 1. Target: ``(batch,)``, the kind of thing.

    Args:
        root: Folder of the data sets. Default: the environment's ZOO_DATA, else ``data``.
        padding: Dark pixels added on every side.
        augment: Whether to shift and mirror the training images at random.
        batch_size: Examples a batch, over all ranks together.
        val_size: Examples held out of the training set for validation, or their share, below 1. With 0, all of it is
            trained on and the test set takes the place of the validation set.
        seed: Seeds the order of the training examples.
    """

    stored_shape = (3, 32, 32)
    classes = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")

    def __init__(
        self,
        root: str | None = None,
        padding: int = 0,
        augment: bool = False,
        batch_size: int = 64,
        val_size: int | float = 5_000,
        seed: int = 0,
    ) -> None:
        super().__init__(padding, augment, batch_size=batch_size, val_size=val_size, seed=seed)
        self.root = data_root(root)
        self.folder = self.root / datasets.CIFAR10.base_folder

    def prepare_data(self) -> None:
        """Make sure that the files are on disk: unpack their archive, or download it.

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
        """Turn bytes into floats in -1 to 1, and pad; what is scaled already stays as it is."""
        return x if x.is_floating_point() else super().scale(x).mul_(2).sub_(1)

    @property
    def transform(self) -> Transform:
        """What turns the middle square of a picture into an input."""
        return Photo(low=-1.0, padding=self.padding)

    def _read(self, path: Path, batch_label: str) -> tuple[Tensor, Tensor]:
        try:
            with open_file(path) as file:
                content = _PlainUnpickler(file, encoding="bytes").load()
            found, data, labels = content[b"batch_label"].decode(), content[b"data"], content[b"labels"]
        except FileNotFoundError:
            raise self._unavailable(f"{path} is missing") from None
        except Exception:  # unpickling bytes that are damaged can raise anything
            raise ZooError(f"{path} is damaged, or no batch of CIFAR-10; delete it and have it made again") from None
        if found != batch_label:
            raise ZooError(f"{path} holds the {found!r}, expected the {batch_label!r}: it is swapped with another")
        if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3072,):
            raise ZooError(f"{path} holds no images of 3×32×32 bytes")
        if not isinstance(labels, list) or not all(type(label) is int for label in labels):
            raise ZooError(f"{path} holds labels that are no list of whole numbers")
        if len(data) != len(labels) or len(data) == 0:
            raise ZooError(f"{path} holds {len(data)} images and {len(labels)} labels")
        if min(labels) < 0 or max(labels) >= len(self.classes):
            raise ZooError(f"{path} holds labels of {min(labels)} to {max(labels)}, expected 0 to 9")
        return torch.from_numpy(data.copy()).reshape(-1, *self.stored_shape), torch.tensor(labels)

    def _unavailable(self, reason: str) -> DataUnavailableError:
        archive = datasets.CIFAR10.filename
        return DataUnavailableError(
            f"CIFAR-10 is not in {self.folder} and cannot be downloaded ({reason}); put its files there (data_batch_1 "
            f"to 5, test_batch), or {archive} into {self.root}, or name the folder that has them with --data.root (or "
            "ZOO_DATA)"
        )


class _PlainUnpickler(pickle.Unpickler):
    """Builds arrays and plain values, and refuses everything else that a pickle could ask for."""

    ALLOWED: ClassVar = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module: str, name: str) -> Any:
        """Return a class that is allowed."""
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
