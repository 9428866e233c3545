"""The rank of this process, and what all of them know."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Trainer
from torch import distributed


def rank_and_ranks(trainer: Trainer | None) -> tuple[int, int]:
    """Return the rank of this process and the number of ranks, from the trainer or else from torch.distributed."""
    if trainer:
        return trainer.global_rank, trainer.world_size
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def gather(here: Any) -> list[Any]:
    """Return an object of each process, by rank. All processes must call it."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return [here]
    everywhere: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(everywhere, here)
    return everywhere
