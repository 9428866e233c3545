"""The reviews of IMDB, in the files of their publisher's archive."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from zoo.datamodules.common.base import DataUnavailableError
from zoo.datamodules.common.files import data_root, fetch_tar, read_text
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.texts import LARGEST_TEXT, TextDataModule, TruncationSide
from zoo.errors import ZooError
from zoo.kinds import Split

ARCHIVE = "aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
URL = "https://ai.stanford.edu/~amaas/data/sentiment/" + ARCHIVE
FOLDERS = ("neg", "pos")
"""Folders of the reviews, by target."""


class IMDB(TextDataModule):
    """Film reviews, negative or positive: 25,000 for training and validation, 25,000 for testing.

    Source: Maas et al., "Learning Word Vectors for Sentiment Analysis". Read from ``ROOT/aclImdb``, the folder of
    its archive, and downloaded if absent. Words are lowercased, and the vocabulary is learned from the training split
    alone. Token ids are cached in ``ROOT``.

    Input: ``(batch, words)``, token ids, padded with 0 at the end. Target: ``(batch,)``, 0 negative, 1 positive.

    Args:
        root: Folder of the data sets. Default: the environment variable ``ZOO_DATA``, or else ``data``.
        vocab_size: Largest number of tokens, including padding and unknown: the most frequent words.
        min_frequency: Smallest number of occurrences in the training split of a word in the vocabulary.
        max_length: Largest number of tokens per review; longer ones are truncated.
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
        truncation_side: Where a review is cut: ``right`` keeps its beginning, ``left`` its end.
    """

    classes = ("negative", "positive")

    def __init__(
        self,
        root: str | None = None,
        vocab_size: int = 10_000,
        min_frequency: int = 2,
        max_length: int = 400,
        batch_size: int = 64,
        val_size: ValSize = 2_500,
        seed: int = 0,
        truncation_side: TruncationSide = "right",
    ) -> None:
        options = {"batch_size": batch_size, "val_size": val_size, "seed": seed}
        super().__init__(vocab_size, min_frequency, max_length, truncation_side, **options)
        self.root = data_root(root)
        self.folder = self.root / "aclImdb"

    def prepare_data(self) -> None:
        """Download or unpack the reviews, unless they are on disk.

        Raises:
            DataUnavailableError: They are absent and cannot be downloaded.
            ZooError: The archive is damaged.
        """
        try:
            fetch_tar(URL, MD5, self.folder)
        except OSError as error:
            raise self._unavailable(str(error)) from None

    def cache(self, key: str) -> Path:
        """Return the file for the cached token ids of a key."""
        return self.root / f".imdb-{key}.npz"

    def read_texts(self) -> dict[Split, tuple[list[str], Tensor]]:
        """Return the reviews of each split, and their targets."""
        texts, targets = self._read("train")
        train, val = self.split(len(texts), targets)
        held_out = {"train": train, "val": val}
        parts = {split: ([texts[i] for i in chosen], targets[chosen]) for split, chosen in held_out.items()}
        return cast(dict[Split, tuple[list[str], Tensor]], {**parts, "test": self._read("test")})

    def contents(self) -> list[list[tuple[str, int, int]]]:
        """Return name, size and time of each review, part of the cache key: once one changes, the cache is not used."""
        contents = []
        for part, name in itertools.product(("train", "test"), FOLDERS):
            folder = self.folder / part / name
            try:
                with os.scandir(folder) as entries:
                    contents.append(sorted((e.name, (s := e.stat()).st_size, s.st_mtime_ns) for e in entries))
            except OSError as error:
                raise ZooError(
                    f"{folder} cannot be read: {error.strerror}; delete {self.folder} to have it unpacked again"
                ) from None
        return contents

    def _read(self, part: str) -> tuple[list[str], Tensor]:
        texts, targets = [], []
        for target, folder in enumerate(FOLDERS):
            for path in sorted((self.folder / part / folder).glob("*.txt")):
                text = read_text(path, LARGEST_TEXT)
                if not text.strip():
                    raise ZooError(f"{path} is empty")
                texts.append(text)
                targets.append(target)
        if len(set(targets)) < 2:
            raise ZooError(f"{self.folder / part} is not complete: expected reviews in both neg/ and pos/")
        return texts, torch.tensor(targets)

    def _unavailable(self, reason: str) -> DataUnavailableError:
        return DataUnavailableError(
            f"IMDB is not in {self.folder} and cannot be downloaded ({reason}); get {ARCHIVE} from {URL} on another "
            f"machine and put it into {self.root}, or set --data.root or ZOO_DATA to the folder that contains aclImdb/"
        )
