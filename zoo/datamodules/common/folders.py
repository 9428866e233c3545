"""What is in a folder of the user's own."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from zoo.errors import ZooError
from zoo.kinds import Split

PARTS: tuple[Split, ...] = ("train", "val", "test")
"""Names of folders with a division of the user's own."""


def entries_in(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield what is in a folder. Raises ZooError if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            yield from entries
    except OSError as error:
        raise ZooError(f"{folder} cannot be read: {error.strerror}") from None


def folders_in(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, without hidden ones, sorted.

    Raises:
        ZooError: It cannot be read.
    """
    return sorted(entry.name for entry in entries_in(folder) if entry.is_dir() and not entry.name.startswith("."))


def split_folders(root: Path) -> dict[Split, Path]:
    """Return the folders of class folders, by split: those that the user divided, or the root alone as ``train``."""
    train = root / "train"
    if not train.is_dir() or not folders_in(train):
        return {"train": root}
    return {part: root / part for part in PARTS if (root / part).is_dir()}


def walk(folder: Path) -> Iterator[Path]:
    """Yield a folder and those below it, without hidden ones, in the order of their names."""
    yield folder
    for name in folders_in(folder):
        if not (folder / name).is_symlink():  # which could lead back
            yield from walk(folder / name)
