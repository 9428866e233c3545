"""Dropout that does not depend on the number of processes."""

from __future__ import annotations

from torch import Tensor, distributed, nn
from torch.nn import functional as F


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
