"""Data sets of texts: their vocabularies and token ids."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor

from zoo.datamodules.common.base import DataModule
from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.text_examples import BucketSampler, Texts
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.files import atomic_write, open_file
from zoo.transforms import Text, Transform

PADDING, UNKNOWN = "[PAD]", "[UNK]"

TruncationSide = Literal["left", "right"]

LARGEST_TEXT = 1_000_000
"""Bytes of a text file: the longest review of IMDB has 14,000, and one of ten million would take a minute."""


def learn_tokenizer(texts: Iterable[str], vocab_size: int, min_frequency: int) -> Tokenizer:
    """Return a tokenizer of lowercase words whose vocabulary is learned from texts.

    Args:
        texts: The texts.
        vocab_size: Largest number of tokens, including padding and unknown: the most frequent words.
        min_frequency: Smallest number of occurrences of a word in the vocabulary.
    """
    tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("<br />", " "), normalizers.Lowercase()])
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    trainer = trainers.WordLevelTrainer(
        vocab_size=vocab_size,
        min_frequency=min_frequency,
        special_tokens=[PADDING, UNKNOWN],
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


class TextDataModule(DataModule):
    """A data set of texts with classes. The vocabulary is learned from the training split alone; token ids are cached.

    Args:
        vocab_size: Largest number of tokens, including padding and unknown: the most frequent words.
        min_frequency: Smallest number of occurrences in the training split of a word in the vocabulary.
        max_length: Largest number of tokens per text; longer ones are truncated.
        truncation_side: Where a text is cut: ``right`` keeps its beginning, ``left`` its end.
        **options: See :class:`zoo.datamodules.common.DataModule`.
    """

    kind = "text"
    sampler = BucketSampler

    def __init__(
        self,
        vocab_size: int = 10_000,
        min_frequency: int = 2,
        max_length: int = 400,
        truncation_side: TruncationSide = "right",
        **options: Any,
    ) -> None:
        super().__init__(**options)
        if vocab_size < 3 or min_frequency < 1 or max_length < 1:
            raise ZooError(
                "vocab_size must be at least 3, min_frequency and max_length at least 1, "
                f"got {vocab_size}, {min_frequency} and {max_length}"
            )
        if truncation_side not in get_args(TruncationSide):
            raise ZooError(f"truncation_side must be left or right, got {truncation_side!r}")
        self.vocab_size, self.min_frequency = vocab_size, min_frequency
        self.max_length, self.truncation_side = max_length, truncation_side
        self.shape = (max_length,)
        self.tokenizer: str | None = None

    @abstractmethod
    def read_texts(self) -> dict[Split, tuple[list[str], Tensor]]:
        """Return the texts of each split, and their targets, shape ``(texts,)``."""

    @abstractmethod
    def contents(self) -> Any:
        """Return what changes when the texts change, as plain values; part of the cache key."""

    @abstractmethod
    def cache(self, key: str) -> Path:
        """Return the file for the cached token ids of a key."""

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the size of the vocabulary and the number of classes."""
        return {"vocab_size": self.vocab_size, "num_classes": len(self.classes), "multilabel": False}

    def load_splits(self) -> dict[Split, Batches]:
        """Read the texts, learn the vocabulary and tokenize them, or load the cached result."""
        words = [self.vocab_size, self.min_frequency, self.max_length, self.truncation_side, self.tokenizer]
        cache = self.cache(hashlib.sha256(repr([3, words, self.val_size, self.contents()]).encode()).hexdigest()[:16])
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

        splits: dict[Split, Batches] = {split: texts(split) for split in get_args(Split) if f"{split}_ids" in kept}
        self.tokenizer = tokenizer
        return splits

    def _tokenize(self) -> dict[str, np.ndarray[Any, Any]]:
        parts = self.read_texts()
        if self.tokenizer:
            tokenizer = Tokenizer.from_str(self.tokenizer)
        else:
            tokenizer = learn_tokenizer(parts["train"][0], self.vocab_size, self.min_frequency)
        tokenizer.enable_truncation(self.max_length, direction=self.truncation_side)
        arrays = {"tokenizer": np.frombuffer(tokenizer.to_str().encode(), np.uint8)}
        for split, (texts, targets) in parts.items():
            ids = [encoding.ids for encoding in tokenizer.encode_batch(texts)]
            arrays[f"{split}_ids"] = np.fromiter((i for text in ids for i in text), np.int32)
            arrays[f"{split}_lengths"] = np.array([len(text) for text in ids], np.int64)
            arrays[f"{split}_targets"] = targets.numpy().astype(np.int32)
        return arrays

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
