"""The report on a trained network: what it reaches on each split, class by class, beside simple models."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from lightning.pytorch import Trainer

from zoo.datamodules.common import DataModule
from zoo.kinds import Split
from zoo.reports.baselines import Baselines, baselines
from zoo.reports.evaluation import Metrics, evaluate, splits_of
from zoo.reports.predictions import Collector, Predictions
from zoo.reports.scores import calibration, scores, scores_by_class
from zoo.support.tables import format_metrics, format_number, format_table
from zoo.tasks import Task

MOST_CLASSES = 12
"""Classes that the table on the screen shows; of more, it shows the worst."""

LABELS = {"logistic regression": "logistic regr."}
"""Names of models that would make the table on the screen too wide."""


@dataclass(frozen=True)
class Report:
    """What a network reaches.

    Attributes:
        metrics: The metrics of each split; the test set has more of them.
        baselines: Those of simple models on the test set.
        classes: Scores of each class of the test set.
        calibration: How often the network is right on the test set, by how sure it is.
        predictions: The predictions for the test set.
    """

    metrics: Metrics
    baselines: Baselines = field(default_factory=dict)
    classes: list[dict[str, Any]] = field(default_factory=list)
    calibration: list[dict[str, float]] = field(default_factory=list)
    predictions: Predictions | None = None

    def __str__(self) -> str:
        """Return the report as text."""
        rows = {LABELS.get(name, name): values for name, values in self.baselines.items()}
        parts = [format_metrics({**self.metrics, **rows}), self._better_baseline(), self._format_classes()]
        return "\n\n".join(part for part in parts if part)

    def _better_baseline(self) -> str:
        """Return a line that says which simple model is better, if one is."""
        tested = self.metrics["test"] or {}
        name, sign = ("acc", 1) if "acc" in tested else ("mae", -1)
        reached = {baseline: values[name] for baseline, values in self.baselines.items() if name in values}
        if not reached or name not in tested:
            return ""
        best = max(reached, key=lambda baseline: sign * reached[baseline])
        theirs, ours = format_number(reached[best]), format_number(tested[name])
        if theirs == ours:
            return f"{best.capitalize()} is as good as this network on the test set: {name} {theirs}."
        if sign * reached[best] < sign * tested[name]:
            return ""
        return f"{best.capitalize()} is better than this network on the test set: {name} {theirs} against {ours}."

    def _format_classes(self) -> str:
        if not self.classes:
            return ""
        shown, title = self.classes, "The test set by class:"
        if len(shown) > MOST_CLASSES:
            shown = sorted(shown, key=lambda row: row["f1"])[: MOST_CLASSES - 2]
            title = f"The {len(shown)} of {len(self.classes)} classes with the lowest f1 on the test set:"
        numbers = ("precision", "recall", "f1")
        rows = [
            [str(row["class"])[:40], *(format_number(row[name]) for name in numbers), f"{row['support']:,}"]
            for row in shown
        ]
        return f"{title}\n\n" + format_table(["class", *numbers, "examples"], rows, align=">")


def make_report(
    trainer: Trainer, model: Task, data: DataModule, *, whole: bool = False, compare: bool = True, test: bool = True
) -> Report | None:
    """Evaluate a network, as it is, on all splits. All ranks must call it; only the first one returns a report.

    Args:
        trainer: The trainer.
        model: The network.
        data: Its data.
        whole: Whether train and val have all metrics, rather than those that each epoch has.
        compare: Whether to train simple models, to compare with.
        test: Whether to open the test set. If not, there is nothing to compare.
    """
    metrics: Metrics = dict.fromkeys(splits_of(data) if data.only_test else get_args(Split))
    predictions: Predictions | None = None
    for split in splits_of(data):
        if split == "test" and not test:
            return Report(metrics) if trainer.is_global_zero else None
        collector = Collector(data.target)
        wanted = whole or split == "test"
        measured = evaluate(trainer, model, data, split, [collector] if wanted else [])
        predictions = collector.predictions  # in the end, those of the test set
        more = scores(data.target, predictions) if trainer.is_global_zero and predictions else {}
        metrics[split] = {**more, **measured}
    if not trainer.is_global_zero:
        return None
    whole_test = predictions is None or len(predictions.indices) == len(data.splits["test"])
    found = baselines(data) if compare and whole_test and not data.only_test else {}
    if predictions is None:
        return Report(metrics, found)
    return Report(
        metrics,
        found,
        scores_by_class(data.target, predictions, model.classes),
        calibration(data.target, predictions),
        predictions,
    )


def finite(values: Mapping[str, float] | None) -> dict[str, float | None] | None:
    """Return metrics with None for numbers that JSON has not: NaN and infinity."""
    return None if values is None else {name: v if math.isfinite(v) else None for name, v in values.items()}
