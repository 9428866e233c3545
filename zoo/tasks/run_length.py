"""How long a run is, before it begins."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import GradientAccumulationScheduler

from zoo.internals.lightning import callbacks_of


class RunLength(NamedTuple):
    """The length of a run; None for what cannot be known, such as that of a run with ``max_time`` alone."""

    epochs: int | None
    steps: int | None


def run_length(trainer: Trainer, data: Any) -> RunLength:
    """Return the length of a run.

    Args:
        trainer: Its trainer.
        data: Its data module, of the zoo or another; None for loaders that the trainer has.
    """
    epochs = math.inf if trainer.max_epochs in (None, -1) else trainer.max_epochs
    most = math.inf if trainer.max_steps == -1 else trainer.max_steps
    if any(isinstance(callback, GradientAccumulationScheduler) for callback in callbacks_of(trainer)):
        return RunLength(None if math.isfinite(most) else _whole(epochs), None)
    batches = _count_batches(trainer, data) if math.isfinite(epochs) or math.isfinite(most) else 1
    each = max(1, math.ceil(batches / trainer.accumulate_grad_batches))
    steps = min(epochs * each, most)
    return RunLength(_whole(steps / each), _whole(steps))


def limited(limit: float, batches: int) -> int:
    """Return how many of some batches a limit of the Trainer leaves."""
    return min(limit, batches) if isinstance(limit, int) else int(limit * batches)


def _count_batches(trainer: Trainer, data: Any) -> int:
    """Return the number of batches of an epoch, on each rank.

    Lightning's own ``estimated_stepping_batches`` makes the loaders at once, and a resumed run would then begin its
    epoch again.
    """
    if hasattr(data, "count_train_batches"):
        return limited(trainer.limit_train_batches, data.count_train_batches(trainer.world_size))
    trainer.fit_loop.setup_data()
    return int(trainer.num_training_batches)


def _whole(number: float) -> int | None:
    return math.ceil(number) if math.isfinite(number) else None
