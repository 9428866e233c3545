"""Callbacks with which a resumed run would end with other weights."""

from __future__ import annotations

from collections.abc import Iterable

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import (
    BaseFinetuning,
    BatchSizeFinder,
    GradientAccumulationScheduler,
    LearningRateFinder,
    ModelPruning,
    SpikeDetection,
    StochasticWeightAveraging,
)

from zoo.callbacks.finetuning import FrozenBackbone
from zoo.errors import ZooError
from zoo.internals.lightning import callbacks_of

NOT_EXACT: dict[type[Callback], str] = {
    StochasticWeightAveraging: "use WeightAveraging or EMAWeightAveraging instead",
    BaseFinetuning: "use --freeze backbone, and --unfreeze_at, instead",
    ModelPruning: "prune the trained network instead",
    LearningRateFinder: "find the rate beforehand with Tuner.lr_find, and set --model.lr",
    SpikeDetection: "watch train/loss in metrics.csv instead, and lower the learning rate",
    BatchSizeFinder: "find the size beforehand with Tuner.scale_batch_size, and set --data.batch_size",
}
"""Callbacks of Lightning that cannot be resumed exactly, and what to do instead."""


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Raise ZooError for a callback with which a resumed run would end with other weights."""
    for callback in callbacks:
        for cls, instead in NOT_EXACT.items():
            if isinstance(callback, cls) and not isinstance(callback, FrozenBackbone):
                raise ZooError(f"{type(callback).__name__} cannot be resumed exactly; {instead}")


def set_accumulation(trainer: Trainer) -> None:
    """Let schedules of accumulation set their value, which Lightning does not ask for in the middle of an epoch."""
    for callback in callbacks_of(trainer):
        if isinstance(callback, GradientAccumulationScheduler):
            callback.on_train_epoch_start(trainer)
