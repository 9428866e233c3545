"""Texts as token ids, in batches of similar lengths."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from zoo.datamodules.common.examples import Batches
from zoo.datamodules.common.sampling import EpochSampler
from zoo.support.seeds import combine_seeds

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

    def inputs(self) -> Tensor:
        """Return the token ids of all texts, one after the other."""
        return self.ids

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        """Return token ids ``(batch, longest)`` and targets ``(batch,)``."""
        lengths = self.lengths[indices].tolist()
        ends = [self.ends[index] for index in indices]
        texts = [self.ids[end - length : end] for end, length in zip(ends, lengths, strict=True)]
        return pad_sequence(texts, batch_first=True), self.targets[indices]


class BucketSampler(EpochSampler):
    """A sampler whose batches contain texts of similar lengths."""

    def indices(self) -> Tensor:
        """Return the indices: shuffled, sorted by length within pools of batches, and then shuffled batch by batch."""
        lengths: Tensor = self.dataset.lengths  # type: ignore[attr-defined]
        if not self.shuffle:
            return lengths.argsort(stable=True)
        order = super().indices()
        pools = [pool[lengths[pool].argsort(stable=True)] for pool in order.split(POOL * self.batch_size)]
        *batches, last = torch.cat(pools).split(self.batch_size)  # the last one may be smaller, and stays last
        generator = torch.Generator().manual_seed(combine_seeds(self.seed, self.epoch))
        shuffled = [batches[i] for i in torch.randperm(len(batches), generator=generator).tolist()]
        return torch.cat([*shuffled, last])
