"""The reviews of IMDB, as their publisher's archive lays them out."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from zoo.datamodules.common.base import DataModule, DataUnavailableError
from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.files import data_root, fetch_tar, read_text
from zoo.datamodules.common.loading import EpochSampler
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.files import atomic_write, open_file
from zoo.support.seeds import combine_seeds
from zoo.transforms import Text, Transform

ARCHIVE = "aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
URL = "https://ai.stanford.edu/~amaas/data/sentiment/" + ARCHIVE
PADDING, UNKNOWN = "[PAD]", "[UNK]"
FOLDERS = ("neg", "pos")
"""Of the reviews of a part, by target."""

MOST = 1_000_000
"""Bytes of a review: the longest of IMDB has 14,000, and one of ten million would take a minute."""

POOL = 50
"""Batches among which reviews are sorted by length: enough to waste little on padding, few enough to stay random."""


class Texts(Batches):
    """Token ids of texts, one after another, and targets; a batch is padded with 0 to the longest text in it."""

    def __init__(self, ids: Tensor, lengths: Tensor, targets: Tensor) -> None:
        self.ids, self.lengths, self.targets = ids, lengths, targets
        self.ends = lengths.cumsum(0).tolist()

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.targets)

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return a batch: ids ``(batch, longest)`` and targets ``(batch,)``."""
        lengths = self.lengths[indices].tolist()
        ends = [self.ends[index] for index in indices]
        texts = [self.ids[end - length : end] for end, length in zip(ends, lengths, strict=True)]
        return pad_sequence(texts, batch_first=True), self.targets[indices]


class BucketSampler(EpochSampler):
    """An epoch's order in which texts of one batch are of about the same length."""

    def order(self) -> list[int]:
        """Return the order: shuffled, then sorted by length within pools of batches, then whole batches shuffled."""
        lengths: Tensor = self.dataset.lengths  # type: ignore[attr-defined]
        if not self.shuffle:
            return lengths.argsort(stable=True).tolist()
        order = torch.tensor(super().order())
        pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * self.batch_size)]
        *batches, last = torch.cat(pools).split(self.batch_size)  # the last one may be smaller, and stays last
        generator = torch.Generator().manual_seed(combine_seeds(self.seed, self.epoch))
        shuffled = [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
        return torch.cat([*shuffled, last]).tolist()


class IMDB(DataModule):
    """Film reviews, negative or positive: 25,000 to train and validate, 25,000 to test.

    Source: Maas et al., "Learning Word Vectors for Sentiment Analysis". Read from ``ROOT/aclImdb``, as its archive
    unpacks, and downloaded there if it is absent. Words are lowercased; the vocabulary is that of the training split
    alone. The token ids are kept beside the data, by settings.

    Input: ``(batch, words)``, token ids, padded with 0 at the end. Target: ``(batch,)``, 0 negative, 1 positive.

    Args:
        root: Folder of the data sets. Default: the environment's ZOO_DATA, else ``data``.
        vocab_size: Number of tokens at most, padding and unknown included: the most frequent words.
        min_frequency: How often a word must occur in the training split to have a token of its own.
        max_length: Tokens of a review at most: the first ones.
        batch_size: Examples a batch, over all ranks together.
        val_size: Examples held out of the training set for validation, or their share, below 1. With 0, all of it is
            trained on and the test set takes the place of the validation set.
        seed: Seeds the order of the training examples.
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
            raise ZooError("vocab_size must be at least 3, min_frequency and max_length at least 1")
        self.vocab_size, self.min_frequency, self.max_length = vocab_size, min_frequency, max_length
        self.root = data_root(root)
        self.folder = self.root / "aclImdb"
        self.shape = (max_length,)
        self.tokenizer: str | None = None

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the sizes of vocabulary and answer."""
        return {"vocab_size": self.vocab_size, "num_classes": len(self.classes), "multilabel": False}

    def prepare_data(self) -> None:
        """Make sure that the reviews are on disk: unpack their archive, or download it.

        Raises:
            DataUnavailableError: They are absent and cannot be downloaded.
            ZooError: The archive is damaged.
        """
        try:
            fetch_tar(URL, MD5, self.folder)
        except OSError as error:
            raise self._unavailable(str(error)) from None

    def load_splits(self) -> dict[Split, Batches]:
        """Read the reviews, learn the vocabulary, and turn them into token ids; or take what was kept of that."""
        settings = [2, self.vocab_size, self.min_frequency, self.max_length, self.val_size, self.tokenizer]
        key = hashlib.sha256(repr([settings, self._contents()]).encode()).hexdigest()[:16]
        cache = self.root / f".imdb-{key}.npz"
        try:
            with open_file(cache) as file, np.load(file, allow_pickle=False) as arrays:
                return self._splits({name: arrays[name] for name in arrays.files})
        except Exception:  # whatever a damaged archive raises: it is only a copy
            kept = self._tokenize()
        try:
            with atomic_write(cache) as temporary, temporary.open("wb") as file:
                np.savez(file, allow_pickle=False, **kept)
        except OSError:
            pass  # a data root that cannot be written is no reason not to train
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
        """Take the vocabulary of a trained network, rather than learn another."""
        if isinstance(transform, Text):
            self.tokenizer = transform.tokenizer

    @property
    def transform(self) -> Transform:
        """What turns a text into an input. Raises ZooError before the vocabulary is known."""
        if self.tokenizer is None:
            raise ZooError("the vocabulary is not known before setup()")
        return Text(self.tokenizer)

    def _tokenize(self) -> dict[str, np.ndarray[Any, Any]]:
        texts, targets = self._read("train")
        train, val = self.split(len(texts))
        tokenizer = Tokenizer.from_str(self.tokenizer) if self.tokenizer else self._learn([texts[i] for i in train])
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

    def _learn(self, texts: Iterable[str]) -> Tokenizer:
        tokenizer = Tokenizer(models.WordLevel(unk_token=UNKNOWN))
        tokenizer.normalizer = normalizers.Sequence([normalizers.Replace("<br />", " "), normalizers.Lowercase()])
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordLevelTrainer(
            vocab_size=self.vocab_size,
            min_frequency=self.min_frequency,
            special_tokens=[PADDING, UNKNOWN],
            show_progress=False,
        )
        tokenizer.train_from_iterator(texts, trainer)
        return tokenizer

    def _contents(self) -> list[list[tuple[str, int, int]]]:
        """Return the name, the size and the time of each review: once one changes, nothing old is read."""
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
                text = read_text(path, MOST)
                if not text.strip():
                    raise ZooError(f"{path} is empty")
                texts.append(text)
                targets.append(target)
        if len(set(targets)) < 2:
            raise ZooError(f"{self.folder / part} is not complete: it needs reviews in both neg/ and pos/")
        return texts, torch.tensor(targets)

    def _unavailable(self, reason: str) -> DataUnavailableError:
        return DataUnavailableError(
            f"IMDB is not in {self.folder} and cannot be downloaded ({reason}); get {ARCHIVE} from {URL} on another "
            f"machine and put it into {self.root}, or name the folder that has aclImdb/ with --data.root (or ZOO_DATA)"
        )
