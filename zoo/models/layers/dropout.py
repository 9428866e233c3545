"""Dropout of features and of words that does not depend on the number of processes."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn
from torch.nn import functional as F

from zoo.support.ranks import rank_and_ranks


class Dropout(nn.Dropout):
    """Dropout whose masks do not depend on the number of processes that share a batch.

    Each process draws the masks of the whole batch and uses those of its own examples: process r of W has every W-th
    example, as given by the zoo's samplers, and the same random seed, as set by its loaders.

    Input: ``(batch, ...)``. Output: the same shape.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Apply dropout in training; otherwise, return the input."""
        if not self.training or not (distributed.is_available() and distributed.is_initialized()):
            return super().forward(input)
        rank, ranks = distributed.get_rank(), distributed.get_world_size()
        masks = F.dropout(input.new_ones(len(input) * ranks, *input.shape[1:]), self.p)
        return input * masks[rank::ranks]


class WordDropout(nn.Module):
    """Replaces words at random by the unknown word, so that a network does not rely on single ones.

    As with :class:`Dropout`, what is replaced does not depend on the number of processes, though each pads its texts to
    a length of its own: the random numbers are drawn word by word for the whole batch, by a generator that the global
    one seeds.

    Source: Iyyer et al., "Deep Unordered Composition Rivals Syntactic Methods for Text Classification".

    Input: ``(batch, words)``, token ids; 0 is padding, which stays. Output: the same shape.

    Args:
        p: Probability of a word to be replaced.
        unknown: Token id of the unknown word.
    """

    def __init__(self, p: float, unknown: int = 1) -> None:
        super().__init__()
        self.p, self.unknown = p, unknown

    def forward(self, x: Tensor) -> Tensor:
        """Replace words in training; otherwise, return the input."""
        if not self.training or not self.p:
            return x
        rank, ranks = rank_and_ranks(None)
        generator = torch.Generator().manual_seed(int(torch.randint(2**62, ())))
        random = torch.rand(x.shape[1], len(x) * ranks, generator=generator)[:, rank::ranks].T
        return torch.where((random < self.p).to(x.device) & (x != 0), self.unknown, x)

    def extra_repr(self) -> str:
        """Return the probability, for the summary."""
        return f"p={self.p}"
