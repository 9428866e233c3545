"""Random inputs for checking a network without data."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.tasks import Task


def random_inputs(model: Task, size: int, words: int | None = None) -> Tensor:
    """Return random inputs for a network, shape ``(size, ...)``, the same each time.

    Numbers are in 0 to 1. Texts have different lengths, and are padded with 0.

    Args:
        model: The network.
        size: Number of inputs.
        words: Length of the longest text. Default: that of the network's example input.
    """
    documented = model.example_input_array
    assert isinstance(documented, Tensor)
    generator = torch.Generator().manual_seed(0)
    shape = (size, *documented.shape[1:])
    if documented.is_floating_point():
        return torch.rand(shape, generator=generator)
    longest = words or shape[1]
    ids = torch.randint(1, model.hparams["vocab_size"], (size, longest), generator=generator)
    missing = torch.arange(size).unsqueeze(1) % longest  # the first text has the full length, the others are shorter
    return ids.where(torch.arange(longest) < longest - missing, 0)
