"""The metrics of a network on the splits of its data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from lightning.pytorch import Trainer

from zoo.datamodules.common import DataModule
from zoo.kinds import Split
from zoo.support.tables import format_number, sort_metrics
from zoo.tasks import Task

Metrics = dict[str, dict[str, float] | None]
"""By split, by name; None for a split that the run does not have."""


def splits_of(data: DataModule) -> list[Split]:
    """Return the splits that a data set has: without a validation part, only train and test."""
    return [split for split in get_args(Split) if split != "val" or data.val_size > 0]


def evaluate(trainer: Trainer, model: Task, data: DataModule, split: Split) -> dict[str, float]:
    """Return the metrics of a network, as it is, on a split. All ranks must call it."""
    trainer.loggers = []  # metrics.csv is of the training
    try:
        (results,) = trainer.test(model, data if split == "test" else data.with_test_split(split), verbose=False)
    except SystemExit:
        if trainer.interrupted:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise
    return {name.removeprefix("test/"): results[name] for name in sort_metrics(results)}


def sizes(data: DataModule) -> str:
    """Return the number of examples of each split, as text."""
    return ", ".join(f"{len(data.splits[split]):,} {split}" for split in splits_of(data))


def table(metrics: Mapping[str, Mapping[str, float | None] | None]) -> str:
    """Return metrics as text: a row a split, a column a metric."""
    names = sort_metrics({name for values in metrics.values() for name in values or {}})
    rows = [["", *names]]
    for split, values in metrics.items():
        found = [(values or {}).get(name) for name in names]
        rows.append([split, *("–" if value is None else format_number(value) for value in found)])
    return "\n".join("  ".join([f"{row[0]:<6}", *(f"{cell:>8}" for cell in row[1:])]).rstrip() for row in rows)
