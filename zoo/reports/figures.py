"""The figures of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm
from matplotlib.ticker import MaxNLocator

from zoo.errors import ZooError
from zoo.reports.predictions import Predictions
from zoo.support.figure import Figure
from zoo.support.files import atomic_write
from zoo.support.tables import shorten, sort_metrics

COLORS = {"train": "tab:blue", "val": "tab:orange"}
RIGHT, WRONG = "tab:green", "tab:red"
DECADES = 100
"""Curves that fall by more are drawn on a logarithmic axis."""
MOST_COUNTED = 20
"""Classes whose counts a confusion matrix shows."""
MOST_NAMED = 50
"""Classes whose names an axis has room for; of more, it shows every second, third and so on."""
TITLES = {"loss": "loss", "acc": "accuracy"}


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a PNG file, which appears once it is complete."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def save_as_asked(figure: Figure, path: Path) -> None:
    """Write a figure to the file that the user names. Raises ZooError if it cannot be written."""
    try:
        save(figure, path)
    except OSError as error:
        raise ZooError(f"{path} cannot be written ({error.strerror})") from None


def curves(rows: list[dict[str, float]], val_is_test: bool = False) -> Figure:
    """Plot each metric by epoch, train and val in one panel.

    Args:
        rows: As :func:`zoo.training.metrics_file.read_metrics` returns them.
        val_is_test: Whether the test set took the place of the validation set.
    """
    keys = {key for row in rows for key in row if "/" in key}
    names = sort_metrics({key.partition("/")[2] for key in keys})
    figure = Figure(figsize=(5.2 * len(names), 4), layout="constrained")
    for axes, name in zip(panels(figure, len(names)), names, strict=True):
        for split, color in COLORS.items():
            plot_curve(
                axes,
                rows,
                f"{split}/{name}",
                color,
                "test, while training" if val_is_test and split == "val" else split,
            )
        finish_panel(axes, TITLES.get(name, name))
        axes.legend()
    return figure


def plot_curve(axes: Axes, rows: list[dict[str, float]], key: str, color: Any, label: str) -> None:
    """Plot a metric of a run by epoch, if the run has it."""
    if points := curve_points(rows, key):
        draw_curve(axes, *zip(*points, strict=True), color=color, label=label)


def curve_points(rows: Sequence[Mapping[str, float]], key: str) -> list[tuple[float, float]]:
    """Return epochs and values of a metric of a run."""
    ends = [row for row in rows if any(name.startswith("train/") for name in row)] or rows
    steps = (ends[0]["step"] + 1) / (ends[0]["epoch"] + 1) if ends else 1.0  # an epoch; the last may be cut short
    return [((row["step"] + 1) / steps, row[key]) for row in rows if key in row]


def draw_curve(axes: Axes, epochs: Sequence[float], values: Sequence[float], *, color: Any, label: str) -> None:
    """Draw a line, with a dot for each value if they are few."""
    axes.plot(epochs, values, marker="o" if len(values) <= 50 else None, markersize=3, color=color, label=label)


def finish_panel(axes: Axes, title: str, values: Sequence[float] = ()) -> None:
    """Set the title and the axes of a panel of curves by epoch, given its values if it shows more than its lines."""
    values = values or [value for line in axes.lines for value in np.asarray(line.get_ydata()).tolist()]
    if min(values) > 0 and max(values) > DECADES * min(values):
        axes.set_yscale("log")
    axes.set(xlabel="epoch", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)


def true_and_predicted(predictions: Predictions) -> Figure:
    """Plot the predicted values of the test set over the true ones; on the line they are equal."""
    y, output = predictions.targets[:1000].float().flatten(), predictions.values[:1000].flatten()
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.axline((float(y.mean()), float(y.mean())), slope=1, color="gray", linewidth=1)
    axes.plot(y.numpy(), output.numpy(), "o", markersize=4, color=COLORS["train"])
    axes.set(xlabel="true", ylabel="predicted", title=f"test set, first {len(predictions.targets[:1000])} examples")
    axes.grid(alpha=0.3)
    return figure


def confusion(counts: torch.Tensor, classes: Sequence[str]) -> Figure:
    """Show the confusion matrix: with counts if there are few classes, else as colors alone.

    Args:
        counts: Shape ``(true class, predicted class)``.
        classes: Their names.
    """
    if len(classes) != len(counts):
        classes = [str(index) for index in range(len(counts))]
    few = len(classes) <= MOST_COUNTED
    size = max(4.5, 0.55 * len(classes) + 1) if few else 10.0
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    # Mistakes are rare: among many classes they would be too pale to be seen.
    image = axes.imshow(share.numpy(), cmap="Blues", norm=PowerNorm(1 if few else 0.5, vmin=0, vmax=1))
    accuracy = float(counts.trace() / counts.sum())
    axes.set(xlabel="predicted", ylabel="true", title=f"test set, accuracy {accuracy:.4f}")
    if few:
        for row, column in counts.nonzero().tolist():
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, f"{int(counts[row, column])}", ha="center", va="center", color=color, fontsize=8)
    else:
        figure.colorbar(image, ax=axes, shrink=0.5, label="share of the true class")
    places = range(0, len(classes), -(-len(classes) // MOST_NAMED))
    names = [plain(shorten(classes[place], 20)) for place in places]
    axes.set_xticks(places, names)
    axes.set_yticks(places, names)
    axes.tick_params(labelsize=10 if few else 7)
    if max(map(len, names)) > 2:
        axes.tick_params("x", rotation=90)
    return figure


def calibration(bins: Sequence[Mapping[str, float]], error: float) -> Figure:
    """Plot how often the network is right, by how sure it is, and how often it is that sure.

    Args:
        bins: As :func:`zoo.reports.scores.calibration` returns them.
        error: The expected calibration error.
    """
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    confidence, right, examples = ([one[name] for one in bins] for name in ("confidence", "acc", "examples"))
    upper.plot([0, 1], [0, 1], color="gray", linewidth=1, label="as sure as right")
    upper.plot(confidence, right, "o-", markersize=4, color=COLORS["train"])
    upper.set(ylabel="right", title=f"test set, calibration error {error:.4f}", xlim=(0, 1), ylim=(0, 1.02))
    upper.grid(alpha=0.3)
    upper.legend(loc="lower right")
    lower.bar(confidence, examples, width=0.04, color=COLORS["train"])
    lower.set(xlabel="confidence", ylabel="examples")
    return figure


def plain(name: str) -> str:
    """Return the name of a class such that matplotlib does not read dollar signs as a formula."""
    return name.replace("$", r"\$")


def panels(figure: Figure, count: int) -> list[Axes]:
    """Return panels side by side."""
    grid: Any = figure.subplots(1, count, squeeze=False)
    return list(grid.flat)
