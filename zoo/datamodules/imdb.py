"""The reviews of IMDB, in the files of their publisher's archive."""

from __future__ import annotations

import hashlib
import itertools
import os
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer
from torch import Tensor

from zoo.datamodules.common.base import DataModule, DataUnavailableError
from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.files import data_root, fetch_tar, read_text
from zoo.datamodules.common.texts import BucketSampler, Texts, learn_tokenizer
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.files import atomic_write, open_file
from zoo.transforms import Text, Transform

ARCHIVE = "aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
URL = "https://ai.stanford.edu/~amaas/data/sentiment/" + ARCHIVE
FOLDERS = ("neg", "pos")
"""Folders of the reviews, by target."""

LARGEST_REVIEW = 1_000_000
"""Bytes of a review: the longest of IMDB has 14,000, and one of ten million would take a minute."""


class IMDB(DataModule):
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
    """

    kind = "text"
    classes = ("negative", "positive")
    sampler = BucketSampler

    def __init__(
        self,
        root: str | None = None,
        vocab_size: int = 10_000,
        min_frequency: int = 2,
        max_length: int = 400,
        batch_size: int = 64,
        val_size: int | float = 2_500,
        seed: int = 0,
    ) -> None:
        super().__init__(batch_size, val_size, seed)
        if vocab_size < 3 or min_frequency < 1 or max_length < 1:
            raise ZooError(
                "vocab_size must be at least 3, min_frequency and max_length at least 1, "
                f"got {vocab_size}, {min_frequency} and {max_length}"
            )
        self.vocab_size, self.min_frequency, self.max_length = vocab_size, min_frequency, max_length
        self.root = data_root(root)
        self.folder = self.root / "aclImdb"
        self.shape = (max_length,)
        self.tokenizer: str | None = None

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the size of the vocabulary and the number of classes."""
        return {"vocab_size": self.vocab_size, "num_classes": len(self.classes), "multilabel": False}

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

    def load_splits(self) -> dict[Split, Batches]:
        """Read the reviews, learn the vocabulary and tokenize them, or load the cached result."""
        settings = [2, self.vocab_size, self.min_frequency, self.max_length, self.val_size, self.tokenizer]
        key = hashlib.sha256(repr([settings, self._contents()]).encode()).hexdigest()[:16]
        cache = self.root / f".imdb-{key}.npz"
        try:
            with open_file(cache) as file, np.load(file, allow_pickle=False) as arrays:
                return self._splits({name: arrays[name] for name in arrays.files})
        except Exception:  # a damaged cache can raise anything
            kept = self._tokenize()
        try:
            with atomic_write(cache) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **kept)
        except OSError:
            pass  # training does not need the cache
        return self._splits(kept)

    def _splits(self, kept: dict[str, np.ndarray[Any, Any]]) -> dict[Split, Batches]:
        tokenizer = bytes(kept["tokenizer"]).decode()
        Tokenizer.from_str(tokenizer)

        def texts(split: str) -> Texts:
            arrays = (kept[f"{split}_{part}"].astype(np.int64) for part in ("ids", "lengths", "targets"))
            return Texts(*map(torch.from_numpy, arrays))

        test = texts("test")
        train = texts("train")
        self.tokenizer = tokenizer
        return {"train": train, "val": texts("val") if self.val_size else test, "test": test}

    def use_transform(self, transform: Transform | None) -> None:
        """Use the vocabulary of a trained network instead of learning one."""
        if isinstance(transform, Text):
            self.tokenizer = transform.tokenizer

    @property
    def transform(self) -> Transform:
        """Turns a text into an input. Raises ZooError before ``setup``, which learns the vocabulary."""
        if self.tokenizer is None:
            raise ZooError("the vocabulary is not known yet; call setup() first")
        return Text(self.tokenizer)

    def _tokenize(self) -> dict[str, np.ndarray[Any, Any]]:
        texts, targets = self._read("train")
        train, val = self.split(len(texts))
        if self.tokenizer:
            tokenizer = Tokenizer.from_str(self.tokenizer)
        else:
            tokenizer = learn_tokenizer([texts[i] for i in train], self.vocab_size, self.min_frequency)
        tokenizer.enable_truncation(self.max_length)
        arrays = {"tokenizer": np.frombuffer(tokenizer.to_str().encode(), np.uint8)}
        parts = {"train": (texts, targets, train), "val": (texts, targets, val)}
        test_texts, test_targets = self._read("test")
        parts["test"] = (test_texts, test_targets, torch.arange(len(test_texts)))
        for split, (all_texts, all_targets, chosen) in parts.items():
            ids = [encoding.ids for encoding in tokenizer.encode_batch([all_texts[i] for i in chosen.tolist()])]
            arrays[f"{split}_ids"] = np.fromiter((i for text in ids for i in text), np.int32)
            arrays[f"{split}_lengths"] = np.array([len(text) for text in ids], np.int64)
            arrays[f"{split}_targets"] = all_targets[chosen].numpy().astype(np.int8)
        return arrays

    def _contents(self) -> list[list[tuple[str, int, int]]]:
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
                text = read_text(path, LARGEST_REVIEW)
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
