"""What a network gets wrong on the test set, the worst first: a table, and a figure of the first."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from zoo.datamodules.common import DataModule
from zoo.datamodules.common.plots import Caption, count_shown, draw_examples
from zoo.reports.figures import RIGHT, WRONG
from zoo.reports.predictions import Predictions
from zoo.support.figure import Figure
from zoo.support.files import atomic_write
from zoo.support.tables import csv_cell, shorten

MOST = 10_000
"""Rows of a table: those of all labels of many pictures would be millions."""


@dataclass(frozen=True)
class Mistake:
    """A wrong answer.

    Attributes:
        index: Index of the example in the test set.
        example: Its name, such as a file; its index, if it has none.
        true: The class.
        predicted: The predicted class.
        probability: Its probability.
    """

    index: int
    example: str
    true: str
    predicted: str
    probability: float


def mistakes(data: DataModule, predictions: Predictions, classes: Sequence[str]) -> list[Mistake]:
    """Return the wrong answers of a classifier, the surest first, at most 10,000; if multi-label, its wrong labels.

    Args:
        data: The data.
        predictions: The predictions for its test set.
        classes: Names of the classes; without them, their indices are shown.
    """
    values, targets = predictions.values, predictions.targets
    names = classes or [str(index) for index in range(values.shape[1])]
    files = data.splits["test"].names
    if targets.dim() == 1:
        sure, guessed = values.max(1)
        wrong = predictions.wrong().nonzero()[:, 0]
        order = wrong[sure[wrong].argsort(descending=True, stable=True)][:MOST]
        answers = [(names[int(targets[i])], names[int(guessed[i])], float(sure[i])) for i in order.tolist()]
    else:
        said = values > 0.5
        sure = torch.where(said, values, 1 - values)
        wrong = predictions.wrong().nonzero()
        wrong = wrong[sure[wrong[:, 0], wrong[:, 1]].argsort(descending=True, stable=True)][:MOST]
        order = wrong[:, 0]
        words = {True: "{}", False: "not {}"}
        answers = [
            (words[not said[i, j]].format(names[j]), words[bool(said[i, j])].format(names[j]), float(sure[i, j]))
            for i, j in wrong.tolist()
        ]
    return [
        Mistake(index, str(files[index]) if files else str(index), *answer)
        for index, answer in zip(predictions.indices[order].tolist(), answers, strict=True)
    ]


def count_wrong(predictions: Predictions) -> int:
    """Return the number of examples of which the answer, or a label, is wrong."""
    wrong = predictions.wrong()
    return int((wrong if wrong.dim() == 1 else wrong.any(1)).sum())


def write_mistakes(found: Sequence[Mistake], path: Path) -> None:
    """Write wrong answers as a CSV file: ``example``, ``true``, ``predicted``, ``probability``."""
    _write(
        path,
        ["example", "true", "predicted", "probability"],
        ([*map(csv_cell, (one.example, one.true, one.predicted)), f"{one.probability:.6f}"] for one in found),
    )


def write_errors(data: DataModule, predictions: Predictions, path: Path) -> None:
    """Write the predicted numbers as a CSV file, the worst first: ``example``, ``true``, ``predicted``, ``error``."""
    true, predicted = predictions.targets.flatten(), predictions.values.flatten()
    files, outputs = data.splits["test"].names, predictions.values.shape[1]
    order = (predicted - true).abs().argsort(descending=True, stable=True)[:MOST]
    places = predictions.indices[order // outputs]
    worst = zip(places.tolist(), true[order].tolist(), predicted[order].tolist(), strict=True)
    _write(
        path,
        ["example", "true", "predicted", "error"],
        ([csv_cell(files[i]) if files else i, *(f"{n:.6g}" for n in (y, guess, guess - y))] for i, y, guess in worst),
    )


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def draw_mistakes(data: DataModule, found: Sequence[Mistake], title: str) -> Figure:
    """Show the surest wrong answers: pictures with their labels, or lines of text."""
    shown = found[: count_shown(data)]
    captions = [caption(one.true, one.predicted, one.probability, right=False) for one in shown]
    x = data.scale(data.splits["test"].batch([one.index for one in shown])[0])
    return draw_examples(data, x, captions, title)


def caption(true: str, predicted: str, probability: float, right: bool) -> Caption:
    """Return what is written at an example: its class and the predicted one, in red if that is wrong."""
    answer = f"→ {shorten(predicted, 10)} {probability:.0%}"
    return [(shorten(true, 16), "black"), (answer, RIGHT if right else WRONG)]
