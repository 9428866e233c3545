"""Data sets of texts: token ids, batches of similar lengths, and vocabularies."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.sampling import EpochSampler
from zoo.support.seeds import combine_seeds

PADDING, UNKNOWN = "[PAD]", "[UNK]"

POOL = 50
"""Batches per pool of texts that are sorted by length: enough to save padding, few enough to stay random."""


class Texts(Batches):
    """Token ids of concatenated texts, and targets. A batch is padded with 0 to the length of its longest text."""

    def __init__(self, ids: Tensor, lengths: Tensor, targets: Tensor) -> None:
        self.ids, self.lengths, self.targets = ids, lengths, targets
        self.ends = lengths.cumsum(0).tolist()

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.targets)

    def labels(self) -> Tensor:
        """Return the targets of all texts."""
        return self.targets

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return token ids ``(batch, longest)`` and targets ``(batch,)``."""
        lengths = self.lengths[indices].tolist()
        ends = [self.ends[index] for index in indices]
        texts = [self.ids[end - length : end] for end, length in zip(ends, lengths, strict=True)]
        return pad_sequence(texts, batch_first=True), self.targets[indices]


class BucketSampler(EpochSampler):
    """A sampler whose batches contain texts of similar lengths."""

    def order(self) -> list[int]:
        """Return the indices: shuffled, sorted by length within pools of batches, and then shuffled batch by batch."""
        lengths: Tensor = self.dataset.lengths  # type: ignore[attr-defined]
        if not self.shuffle:
            return lengths.argsort(stable=True).tolist()
        order = torch.tensor(super().order())
        pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * self.batch_size)]
        *batches, last = torch.cat(pools).split(self.batch_size)  # the last one may be smaller, and stays last
        generator = torch.Generator().manual_seed(combine_seeds(self.seed, self.epoch))
        shuffled = [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
        return torch.cat([*shuffled, last]).tolist()


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
