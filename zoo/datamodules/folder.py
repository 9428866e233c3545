"""Your own pictures, in a folder for each class."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from zoo.datamodules.common.augmentation import Augmentation, is_policy
from zoo.datamodules.common.base import DataUnavailableError
from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.folders import folders_in, split_folders
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import ImageDataModule
from zoo.datamodules.common.picture_files import PictureFiles, pictures_in
from zoo.datamodules.common.splitting import check_test_size, divide
from zoo.errors import ZooError
from zoo.kinds import Residence, Split
from zoo.support.files import parse_path
from zoo.transforms import Photo, Transform

logger = logging.getLogger("zoo.data")


class Folder(ImageDataModule):
    """Your own pictures, in a folder for each class: ``ROOT/<class>/*``, or ``ROOT/train|val|test/<class>/*``.

    Source: yours. Pictures can have any size and format that Pillow reads. They are turned as their camera says, put on
    white where they are transparent, cropped to the middle square and resized. The names of the class folders, sorted,
    are the classes. Without a ``test`` or ``val`` folder, the zoo holds out a part of each class, the same in each run.

    Pictures are decoded once, into memory, if they fit; otherwise each batch is decoded by workers, with the same
    result. Hidden files, other files and folders in a class folder are left out, which is logged.

    Input: ``(batch, channels, image_size, image_size)``, floats in 0 to 1; in the range of the weights, if the network
    starts from some. Target: ``(batch,)``, the class.

    Args:
        root: The folder.
        image_size: Width and height of the inputs, in pixels. Default on the command line: that of the network.
        channels: 3 for color, 1 for gray. Default on the command line: that of the network.
        num_workers: Number of processes that decode pictures.
        memory: Megabytes that the decoded pictures may take; if they take more, each batch is decoded by workers.
        augment: Whether to shift and flip the training pictures at random;
            or ``RandAugment``, ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``, as in torchvision.
        val_size: Number of training pictures held out for validation, or their fraction if below 1, if there is no
            ``val`` folder. If 0, the test set replaces the validation set in any case.
        test_size: Number of pictures held out for testing, or their fraction if below 1, if there is no ``test``
            folder.
        batch_size, seed, device_resident: See :class:`zoo.datamodules.common.DataModule`.
    """

    any_shape = True
    targets = ("class",)
    of_this_machine = ("num_workers", "memory", "seed", "device_resident")

    def __init__(
        self,
        root: str | None = None,
        image_size: int = 32,
        channels: int = 3,
        num_workers: int = 2,
        memory: int = 2_000,
        augment: Augmentation = False,
        batch_size: int = 64,
        val_size: ValSize = 0.1,
        test_size: int | float = 0.2,
        seed: int = 0,
        device_resident: Residence = "auto",
    ) -> None:
        if image_size < 1 or num_workers < 0 or memory < 0:
            got = f"{image_size}, {num_workers} and {memory}"
            raise ZooError(f"image_size must be at least 1, num_workers and memory at least 0, got {got}")
        check_test_size(test_size)
        self.photo, self.stored_shape = Photo(image_size, channels=channels), (channels, image_size, image_size)
        super().__init__(
            augment=augment, batch_size=batch_size, val_size=val_size, seed=seed, device_resident=device_resident
        )
        self.folder = parse_path(root, "--data.root") if root else None
        self.num_workers, self.memory, self.test_size = num_workers, memory, test_size

    @cached_property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the class folders, sorted.

        Raises:
            ZooError: There are fewer than two, or two differ only in case.
        """
        folder = self._parts["train"]
        names = folders_in(folder)
        if len(names) < 2:
            found = f"has only the class folder {names[0]!r}" if names else "has no class folders"
            raise ZooError(f"{folder} {found}; expected pictures in {folder / 'CLASS'}/ for two or more classes")
        for one, other in zip(by_case := sorted(names, key=str.lower), by_case[1:], strict=False):
            if one.lower() == other.lower():
                raise ZooError(f"{folder} has the class folders {one!r} and {other!r}, which differ only in case")
        return tuple(names)

    @property
    def cache_folder(self) -> Path | None:
        """Folder for what is computed from the pictures."""
        return self.folder

    def prepare_data(self) -> None:
        """Check that the folder exists.

        Raises:
            DataUnavailableError: It does not, or none is given.
        """
        if self.folder is None:
            raise DataUnavailableError("the folder of your pictures is not known; give it with --data.root")
        if not self.folder.is_dir():
            raise DataUnavailableError(f"{self.folder} is not a folder; give that of your pictures with --data.root")

    def load_splits(self) -> dict[Split, Batches]:
        """List the pictures, divide them, and decode them if they fit into memory.

        Raises:
            ZooError: A class has no pictures, or a picture is damaged.
        """
        left_out: Counter[str] = Counter()
        listed = {part: self._list(folder, left_out) for part, folder in self._parts.items()}
        if self.folder and self.folder not in self._parts.values():
            left_out.update(dict.fromkeys({*folders_in(self.folder)} - {*self._parts}, 1))
        if left_out:
            told = ", ".join(f"{count:,} {kind}" for kind, count in left_out.items())
            logger.warning("zoo: left out of %s: %s", self.folder, told)
        splits: dict[Split, PictureFiles]
        if self.only_test:
            tested = [listed["test"]] if "test" in listed else [*listed.values()]
            splits = {"test": PictureFiles.join(tested)}
        else:
            val_given = 0
            if isinstance(self.val_size, str) and "val" in listed:
                val_given = len(listed["val"])
                listed["train"] = PictureFiles.join([listed["train"], listed.pop("val")])
            chosen = divide(listed["train"].targets, self.val_size, self.test_size, given=listed, val_given=val_given)
            splits = {split: listed["train"].choose(indices) for split, indices in chosen.items()}
            splits |= {split: files for split, files in listed.items() if split != "train"}
            if not self.val_size:
                del splits["val"]
        if sum(files.decoded_size for files in splits.values()) <= self.memory * 1e6:
            workers = self.num_workers
            if not is_policy(self.augment):
                self.num_workers = 0  # data in memory needs none
            return {split: files.decode(workers) for split, files in splits.items()}
        return dict(splits)

    def compute_checksum(self) -> str:
        """Return a checksum of the names and sizes of the pictures."""
        files = [(split, self._list(folder, Counter()).inventory()) for split, folder in self._parts.items()]
        return hashlib.sha256(repr(files).encode()).hexdigest()

    def find_broken(self) -> list[str]:
        """Return which pictures cannot be read, and why, a line each."""
        lists = [self._list(folder, Counter()) for folder in self._parts.values()]
        return [problem for files in lists for problem in files.find_broken(self.num_workers)]

    def scale(self, x: Tensor) -> Tensor:
        """Convert bytes to floats in the range of the inputs. Floats are returned unchanged."""
        if x.is_floating_point():
            return x
        low, x = self.photo.low, super().scale(x)
        return x.mul_(1 - low).add_(low) if low else x

    def use_transform(self, transform: Transform | None) -> None:
        """Use the range of the inputs of a trained network."""
        if isinstance(transform, Photo):
            self.photo = Photo(self.photo.size, transform.low, channels=self.photo.channels)

    @property
    def transform(self) -> Transform:
        """Turns the middle square of a picture into an input."""
        return self.photo

    @property
    def _parts(self) -> dict[Split, Path]:
        """The folders of class folders, by split: those that the user divided, or the one of all pictures."""
        self.prepare_data()
        assert self.folder
        return split_folders(self.folder)

    def _list(self, folder: Path, left_out: Counter[str]) -> PictureFiles:
        paths, targets = [], []
        names = folders_in(folder)
        if unknown := set(names) - set(self.classes):
            raise ZooError(f"{folder / min(unknown)} is a class that {self._parts['train']} does not have")
        for name in names:
            pictures = pictures_in(folder / name, left_out)
            if not pictures:
                raise ZooError(f"{folder / name} has no pictures; add some, or remove the folder")
            paths += pictures
            targets += [self.classes.index(name)] * len(pictures)
        return PictureFiles(paths, torch.tensor(targets), self.photo)
