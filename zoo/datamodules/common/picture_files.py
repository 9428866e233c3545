"""Picture files: listing, decoding them batch by batch, and decoding all of them once."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from zoo.datamodules.common.examples import Batches, Examples, Gathered, identity
from zoo.datamodules.common.folders import entries_in
from zoo.errors import ZooError
from zoo.transforms import Photo, read_picture
from zoo.transforms.reading import picture_formats

DECODED_AT_A_TIME = 256


class PictureFiles(Batches):
    """Picture files and their targets. Pictures are decoded when their batch is fetched.

    Args:
        paths: The files.
        targets: Their targets, shape ``(pictures, ...)``.
        photo: Crops and resizes them.
    """

    def __init__(self, paths: Sequence[str | Path], targets: Tensor, photo: Photo) -> None:
        self.names, self.targets, self.photo = [str(path) for path in paths], targets, photo

    def __len__(self) -> int:
        """Return the number of pictures."""
        return len(self.names)

    def labels(self) -> Tensor:
        """Return the targets of all pictures."""
        return self.targets

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return pictures as bytes, shape ``(batch, channels, size, size)``, and their targets."""
        images = torch.stack([self.photo.pixels(read_picture(Path(self.names[index]))) for index in indices])
        return images, self.targets[indices]

    def choose(self, indices: Tensor) -> PictureFiles:
        """Return the pictures at these indices."""
        return PictureFiles([self.names[index] for index in indices.tolist()], self.targets[indices], self.photo)

    @classmethod
    def join(cls, parts: Sequence[PictureFiles]) -> PictureFiles:
        """Return the pictures of several parts as one."""
        names = [name for part in parts for name in part.names]
        return cls(names, torch.cat([part.targets for part in parts]), parts[0].photo)

    def inventory(self) -> list[tuple[str, str, int]]:
        """Return folder, name and size of each file, -1 for the size of one that is not there, as its reading says."""
        found = []
        for path in map(Path, self.names):
            try:
                size = path.stat().st_size
            except OSError:
                size = -1
            found.append((path.parent.name, path.name, size))
        return found

    @property
    def decoded_size(self) -> int:
        """Bytes of all pictures, decoded."""
        return len(self) * self.photo.channels * self.photo.size**2

    def decode(self, num_workers: int) -> Examples:
        """Decode all pictures into memory.

        Args:
            num_workers: Number of processes that decode them; 0 for this one.

        Raises:
            ZooError: A file is not a picture, or is damaged.
        """
        images = torch.empty(len(self), self.photo.channels, self.photo.size, self.photo.size, dtype=torch.uint8)
        done = 0
        for batch in _in_order(Gathered(self), num_workers):
            images[done : done + len(batch[0])] = batch[0]
            done += len(batch[0])
        decoded = Examples(images, self.targets)
        decoded.names = self.names
        return decoded

    def find_broken(self, num_workers: int) -> list[str]:
        """Return which pictures cannot be read, and why, a line each.

        Args:
            num_workers: Number of processes that decode them; 0 for this one.
        """
        return [problem for problems in _in_order(_Checked(self), num_workers) for problem in problems]


class _Checked(Dataset[list[str]]):
    """Tries to decode pictures, a batch at a time."""

    def __init__(self, files: PictureFiles) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitems__(self, indices: list[int]) -> list[str]:
        problems = []
        for index in indices:
            try:
                self.files.batch([index])
            except ZooError as error:
                problems.append(str(error))
        return problems


def _in_order(examples: Any, num_workers: int) -> Iterator[Any]:
    """Yield all batches of a data set in order. Raises ZooError if one cannot be read."""
    chunks = torch.arange(len(examples)).split(DECODED_AT_A_TIME)
    loader: DataLoader[Any] = DataLoader(
        examples,
        batch_sampler=[chunk.tolist() for chunk in chunks],
        collate_fn=identity,
        num_workers=min(num_workers, len(chunks) - 1),  # a process takes a second to start
        generator=torch.Generator(),
    )
    for batch in loader:
        if isinstance(batch, ZooError):
            raise batch
        yield batch


def pictures_in(folder: Path, left_out: Counter[str]) -> list[Path]:
    """Return the files in a folder whose names are those of pictures, sorted.

    Args:
        folder: The folder.
        left_out: Counts what is left out, by kind.

    Raises:
        ZooError: The folder cannot be read.
    """
    formats = picture_formats()
    suffixes = {suffix for suffix, name in Image.registered_extensions().items() if name in formats}
    pictures = []
    for entry in entries_in(folder):
        if entry.name.startswith("."):
            left_out["hidden"] += 1
        elif entry.is_dir():
            left_out["folders in a class folder"] += 1
        elif os.path.splitext(entry.name)[1].lower() in suffixes:
            pictures.append(Path(entry.path))
        else:
            left_out["not pictures by their names"] += 1
    return sorted(pictures)
