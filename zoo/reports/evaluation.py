"""The metrics of a network on the splits of its data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

from lightning.pytorch import Callback, Trainer

from zoo.datamodules.common import DataModule
from zoo.internals.lightning import callbacks_of
from zoo.kinds import Split
from zoo.support.tables import sort_metrics
from zoo.tasks import Task

Metrics = dict[str, dict[str, float] | None]
"""By split, by name; None for a split that the run does not have."""


def splits_of(data: DataModule) -> list[Split]:
    """Return the splits that a data set has: without a validation part, only train and test; or test alone."""
    if data.only_test:
        return ["test"]
    return [split for split in get_args(Split) if split != "val" or data.val_size]


def evaluate(
    trainer: Trainer, model: Task, data: DataModule, split: Split, callbacks: Sequence[Callback] = ()
) -> dict[str, float]:
    """Return the metrics of a network, as it is, on a split. All ranks must call it.

    The loggers, which record the training, are left out.

    Args:
        trainer: The trainer.
        model: The network.
        data: Its data.
        split: The split.
        callbacks: Further callbacks for this evaluation.
    """
    loggers, trainer.loggers = trainer.loggers, []
    callbacks_of(trainer).extend(callbacks)
    try:
        (results,) = trainer.test(model, data if split == "test" else data.with_test_split(split), verbose=False)
    except SystemExit:
        if trainer.interrupted:  # by Ctrl-C
            raise KeyboardInterrupt from None
        raise
    finally:
        trainer.loggers = loggers
        for callback in callbacks:
            callbacks_of(trainer).remove(callback)
    return {name.removeprefix("test/"): results[name] for name in sort_metrics(results)}


def format_sizes(data: DataModule) -> str:
    """Return the number of examples of each split, as text."""
    return ", ".join(f"{len(data.splits[split]):,} {split}" for split in splits_of(data))
