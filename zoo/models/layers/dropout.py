"""Dropout that gives the same on any number of processes."""

from __future__ import annotations

from torch import Tensor, distributed, nn
from torch.nn import functional as F


class Dropout(nn.Dropout):
    """Dropout whose masks follow the example: what is dropped of it does not depend on who else computes with it.

    Of the processes that share a batch, each draws the masks of the whole batch, and takes those of its own examples:
    the r-th of W has every W-th, as the zoo's samplers share them, from the same seed, as its loaders see to.

    Input: ``(batch, ...)``. Output: the same shape.
    """

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002  # torch's name
        """Drop at random in training; otherwise, return the input."""
        if not self.training or not (distributed.is_available() and distributed.is_initialized()):
            return super().forward(input)
        rank, ranks = distributed.get_rank(), distributed.get_world_size()
        masks = F.dropout(input.new_ones(len(input) * ranks, *input.shape[1:]), self.p)
        return input * masks[rank::ranks]
