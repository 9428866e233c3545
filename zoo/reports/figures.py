"""The figures of a run, made with matplotlib's objects rather than pyplot: no global state, window or backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zoo.datamodules.common.base import DataModule
from zoo.support.files import atomic_write
from zoo.support.tables import sort_metrics
from zoo.tasks import Classifier, Regressor, Task
from zoo.training.metrics_file import read_metrics

COLORS = {"train": "tab:blue", "val": "tab:orange"}
RIGHT, WRONG = "black", "tab:red"
GRID = (4, 8)
DECADES = 100
"""Curves that fall by more are drawn on a logarithmic axis."""
TITLES = {"loss": "loss", "acc": "accuracy"}
ROW = 1.25
"""Height of a row of pictures, their labels included, in widths of a column."""


def draw(folder: Path, model: Task, data: DataModule) -> list[Path]:
    """Draw the figures of a run, and return the paths of the files.

    Args:
        folder: The run folder; ``metrics.csv`` in it gives the curves.
        model: The network, after a test.
        data: Its data.
    """
    figures: dict[str, Figure] = {}
    if (folder / "metrics.csv").exists():
        figures["curves"] = curves(read_metrics(folder / "metrics.csv"), val_is_test=data.val_size == 0)
    if data.kind == "image" and isinstance(model, Classifier) and not model.multilabel:
        figures["predictions"] = predictions(model, data)
    if isinstance(model, Regressor):
        figures["predictions"] = true_and_predicted(model, data)
    if isinstance(model, Classifier) and model.confusion is not None:
        figures["confusion"] = confusion(model.confusion, data.classes)
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        save(figure, path)
        paths.append(path)
    return paths


def save(figure: Figure, path: Path) -> None:
    """Write a figure to a PNG file, which appears once it is complete."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)


def curves(rows: list[dict[str, float]], val_is_test: bool = False) -> Figure:
    """Plot each metric by epoch, train and val in one panel.

    Args:
        rows: As :func:`zoo.training.metrics_file.read_metrics` returns them.
        val_is_test: Whether the test set took the place of the validation set.
    """
    keys = {key for row in rows for key in row if "/" in key}
    names = sort_metrics({key.partition("/")[2] for key in keys})
    figure = Figure(figsize=(5.2 * len(names), 4), layout="constrained")
    for axes, name in zip(_panels(figure, len(names)), names, strict=True):
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
    if not any(key in row for row in rows):
        return
    ends = [row for row in rows if any(key.startswith("train/") for key in row)] or rows
    steps = (ends[0]["step"] + 1) / (ends[0]["epoch"] + 1)  # steps an epoch; the last epoch may be cut short
    points = [((row["step"] + 1) / steps, row[key]) for row in rows if key in row]
    marker = "o" if len(points) <= 50 else None
    axes.plot(*zip(*points, strict=True), marker=marker, markersize=3, color=color, label=label)


def finish_panel(axes: Axes, title: str) -> None:
    """Set the title and the axes of a panel of curves by epoch."""
    values = [value for line in axes.lines for value in np.asarray(line.get_ydata()).tolist()]
    if min(values) > 0 and max(values) > DECADES * min(values):
        axes.set_yscale("log")
    axes.set(xlabel="epoch", title=title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)


def predictions(model: Classifier, data: DataModule) -> Figure:
    """Show the first images of the test set with their true and predicted labels, the wrong ones in red."""
    rows, columns = GRID
    images, y, output = _first_of_test(model, data, rows * columns)
    predicted = output.argmax(-1).tolist()
    wrong = sum(p != t for p, t in zip(predicted, y.tolist(), strict=True))
    # One panel for all: the layout of 32 panels takes longer than the training of a small network.
    figure = Figure(figsize=(1.25 * columns, 1.6 * rows))
    axes = figure.add_axes((0, 0, 1, 0.96))
    axes.axis("off")
    figure.suptitle(f"first {len(y)} test images: {wrong} wrong, in red (true → predicted)", y=0.99)
    long = max(map(len, data.classes)) > 2
    for index, (image, true, guess) in enumerate(zip(images, y.tolist(), predicted, strict=True)):
        left, bottom = index % columns + 0.05, -ROW * (index // columns + 1) + 0.05
        extent = (left, left + 0.9, bottom, bottom + 0.9)
        axes.imshow(image.permute(1, 2, 0).numpy(), cmap="gray_r", vmin=0, vmax=255, extent=extent)
        right = true == guess
        title = (
            data.classes[true] if right else f"{data.classes[true]} →{chr(10) if long else ' '}{data.classes[guess]}"
        )
        color, weight = (RIGHT, "normal") if right else (WRONG, "bold")
        size = 8 if long else 11
        axes.text(left + 0.45, bottom + 0.93, plain(title), ha="center", color=color, fontsize=size, fontweight=weight)
    axes.set(xlim=(0, columns), ylim=(-ROW * rows, 0))  # each picture has moved them
    return figure


def true_and_predicted(model: Regressor, data: DataModule) -> Figure:
    """Plot the predicted values of the test set over the true ones; on the line they are equal."""
    _, y, output = _first_of_test(model, data, 1000)
    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.axline((float(y.mean()), float(y.mean())), slope=1, color="gray", linewidth=1)
    axes.plot(y.flatten().numpy(), output.flatten().numpy(), "o", markersize=4, color=COLORS["train"])
    axes.set(xlabel="true", ylabel="predicted", title=f"test set, first {len(y)} examples")
    axes.grid(alpha=0.3)
    return figure


def confusion(counts: torch.Tensor, classes: tuple[str, ...]) -> Figure:
    """Show the confusion matrix.

    Args:
        counts: Shape ``(true class, predicted class)``.
        classes: Their names.
    """
    size = max(4.5, 0.55 * len(classes) + 1)
    figure = Figure(figsize=(size, size), layout="constrained")
    axes = figure.add_subplot()
    share = counts / counts.sum(1, keepdim=True).clamp(min=1)
    axes.imshow(share.numpy(), cmap="Blues", vmin=0, vmax=1)
    for row, column in counts.nonzero().tolist():
        color = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(int(counts[row, column])), ha="center", va="center", color=color, fontsize=8)
    accuracy = float(counts.trace() / counts.sum())
    axes.set(xlabel="predicted", ylabel="true", title=f"test set, accuracy {accuracy:.4f}")
    axes.set_xticks(range(len(classes)), [plain(name) for name in classes])
    if max(map(len, classes)) > 2:
        axes.tick_params("x", rotation=90)
    axes.set_yticks(range(len(classes)), [plain(name) for name in classes])
    return figure


def plain(name: str) -> str:
    """Return the name of a class such that matplotlib does not read dollar signs as a formula."""
    return name.replace("$", r"\$")


def _first_of_test(model: Task, data: DataModule, count: int) -> tuple[torch.Tensor, ...]:
    """Return the first stored inputs of the test set, their targets, and the network's outputs."""
    examples = data.splits["test"]
    x, y = examples.batch(list(range(min(count, len(examples)))))
    with torch.inference_mode():
        output = model.eval()(data.scale(x.to(model.device)).to(model.dtype))
    return x, y, output.float().cpu()


def _panels(figure: Figure, count: int) -> list[Axes]:
    grid: Any = figure.subplots(1, count, squeeze=False)
    return list(grid.flat)
