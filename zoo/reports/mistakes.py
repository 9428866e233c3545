"""What a network gets wrong on the test set, the worst first: a table, and a figure of the first."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure

from zoo.datamodules.common import DataModule
from zoo.reports.figures import WRONG, plain
from zoo.reports.predictions import Predictions
from zoo.support.files import atomic_write
from zoo.support.tables import csv_cell, shorten
from zoo.transforms import Row, Transform

MOST = 10_000
"""Rows of a table: those of all labels of many pictures would be millions."""

GRID = (4, 8)
LINES = 12
"""Texts and rows of numbers in the figure."""


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
    return _pictures(data, found, title) if data.kind == "image" else _lines(data, found, title)


def _pictures(data: DataModule, found: Sequence[Mistake], title: str) -> Figure:
    rows, columns = GRID
    shown = found[: rows * columns]
    rows = -(-len(shown) // columns)
    images = data.scale(data.splits["test"].batch([one.index for one in shown])[0])
    low, high = float(images.min()), float(images.max())
    images = ((images - low) / max(high - low, 1e-9)).permute(0, 2, 3, 1)
    if images.shape[3] != 3:
        images = images[..., :1]
    height = 1.22  # of a picture with its two lines of text, in widths of a column
    figure = Figure(figsize=(1.25 * columns, 1.25 * height * rows + 0.4))
    # One panel for all: the layout of 32 panels takes longer than the training of a small network.
    axes = figure.add_axes((0, 0, 1, 1 - 0.4 / figure.get_figheight()))
    axes.axis("off")
    figure.suptitle(title, y=1 - 0.12 / figure.get_figheight(), va="top")
    for place, (image, one) in enumerate(zip(images, shown, strict=True)):
        left, bottom = place % columns + 0.05, -height * (place // columns + 1) + 0.05
        axes.imshow(image.numpy(), cmap="gray_r", vmin=0, vmax=1, extent=(left, left + 0.9, bottom, bottom + 0.9))
        for text, up, color in (
            (shorten(one.true, 16), 1.03, "black"),
            (f"→ {shorten(one.predicted, 10)} {one.probability:.0%}", 0.92, WRONG),
        ):
            axes.text(left + 0.45, bottom + up, plain(text), ha="center", va="bottom", color=color, fontsize=8)
    axes.set(xlim=(0, columns), ylim=(-height * rows, 0), aspect="auto")  # each picture has moved them
    return figure


def _lines(data: DataModule, found: Sequence[Mistake], title: str) -> Figure:
    shown, line = found[:LINES], 0.45  # inches
    figure = Figure(figsize=(10, line * (len(shown) + 1)))
    figure.suptitle(title, y=1 - 0.12 / figure.get_figheight(), va="top")
    for place, one in enumerate(shown, start=1):
        y = 1 - line * place / figure.get_figheight()
        answer = f"{shorten(one.true, 14)} → {shorten(one.predicted, 14)} {one.probability:.0%}"
        figure.text(0.02, y, plain(answer), color=WRONG, va="top", fontsize=8)
        lines = textwrap.wrap(_as_text(data, one.index), 110, max_lines=2, placeholder=" …")
        figure.text(0.25, y, plain("\n".join(lines)), va="top", fontsize=8)
    return figure


def _as_text(data: DataModule, index: int) -> str:
    """Return an example of the test set as text: the words of a text, or the values of a row."""
    x = data.scale(data.splits["test"].batch([index])[0])[0]
    transform = data.transform
    return (transform if isinstance(transform, Transform) else Row(x.numel())).as_text(x)
