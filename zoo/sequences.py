"""Images as sequences, and where sequences end: what the recurrent networks share."""

from __future__ import annotations

import torch
from torch import Tensor


def as_steps(x: Tensor) -> Tensor:
    """Turn images ``(batch, channels, rows, columns)`` into one step a row, ``(batch, rows, channels * columns)``.

    Sequences ``(batch, steps, features)`` stay what they are.
    """
    return x.transpose(1, 2).flatten(2) if x.dim() == 4 else x


def last_step(output: Tensor, lengths: Tensor | None) -> Tensor:
    """Return what a recurrent network put out at the last valid step, shape ``(batch, features)``.

    Args:
        output: Shape ``(batch, steps, features)``.
        lengths: Number of valid steps of each sequence, shape ``(batch,)``; all of them if None.
    """
    if lengths is None:
        return output[:, -1]
    return output[torch.arange(len(output), device=output.device), lengths.to(output.device) - 1]
