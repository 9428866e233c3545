"""Inputs out of thin air, of the documented shape: to check a network where there is no data."""

from __future__ import annotations

import torch
from torch import Tensor

from zoo.tasks import Task


def random_inputs(model: Task, size: int, words: int | None = None) -> Tensor:
    """Return inputs that a network takes, shape ``(size, ...)``: the same ones each time.

    Numbers are in 0 to 1; token ids are of texts of different lengths, padded with 0.

    Args:
        model: The network.
        size: Number of inputs.
        words: Length of the longest text; by default that of the documented shape.
    """
    documented = model.example_input_array
    assert isinstance(documented, Tensor)
    generator = torch.Generator().manual_seed(0)
    shape = (size, *documented.shape[1:])
    if documented.is_floating_point():
        return torch.rand(shape, generator=generator)
    longest = words or shape[1]
    ids = torch.randint(1, model.hparams["vocab_size"], (size, longest), generator=generator)
    missing = torch.arange(size).unsqueeze(1) % longest  # the first text has all of its words, the others fewer
    return ids.where(torch.arange(longest) < longest - missing, 0)
