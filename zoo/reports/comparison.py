"""Some runs side by side: a table and a figure."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps

from zoo.errors import ZooError
from zoo.reports.figures import TITLES, finish_panel, plain, plot_curve, save_as_asked
from zoo.reports.results_table import format_value, shorten_middle
from zoo.reports.run_results import SPLITS, Row, differing_options, names_of, read_options, read_run, short_name
from zoo.support.console import echo, listed
from zoo.support.figure import Figure
from zoo.support.files import parse_path
from zoo.support.tables import format_columns, sort_metrics
from zoo.training.metrics_file import metrics_path, read_metrics
from zoo.training.run_folder import last_checkpoint, list_runs

CURVES = ("train/loss", "val/loss", "val/acc", "val/mae")
"""Metrics that have a panel, if a run has them."""

LEGEND_WIDTH = 60
"""Characters in a line of the legend below one panel."""

LONGEST_LABEL = 50
"""Characters of the name of a run in the legend."""

LONGEST = 24
"""Characters of the name of a run in a table."""


def compare(folders: Sequence[str], out: Path) -> None:
    """Print what differs between some runs and their metrics, a column a run, and draw their curves.

    Args:
        folders: The run folders.
        out: The file of the figure.

    Raises:
        ZooError: One is not a finished run, is there twice, or is damaged; or the figure cannot be written.
    """
    paths = [parse_path(folder, "folder") for folder in folders]
    if len({path.resolve() for path in paths}) < max(len(paths), 2):
        raise ZooError("give two or more different runs, such as runs/slp-digits/1 runs/slp-digits/2")
    rows = [_read(path) for path in paths]
    common, names = _names(paths)
    echo(_table(rows, common, names))
    _, logs = read_logs(paths)
    if missing := [str(path) for path in paths if not metrics_path(path).exists()]:
        echo(f"zoo: there are no curves of {listed(missing)}, without metrics.csv", file=sys.stderr)
    figure = curves(logs, common)
    if figure is None:
        return
    save_as_asked(figure, out)
    echo(f"\nfigure  {out}")


def read_logs(paths: Sequence[Path]) -> tuple[str, dict[str, list[dict[str, float]]]]:
    """Return the folder that some runs are in, and the metrics of each by its name; without those that have none."""
    common, names = _names(paths)
    logs = {}
    for name, path in zip(names, paths, strict=True):
        if metrics_path(path).exists():
            label = f"{name} (val: test set)" if tests_while_training(path) else name
            logs[label] = read_metrics(metrics_path(path))
    return common, logs


def tests_while_training(folder: Path) -> bool:
    """Return whether the test set took the place of the validation set in a run."""
    return read_options(folder / "config.yaml").get("data.val_size") == 0


def no_metrics(folder: Path) -> ZooError:
    """Return the error of a run that has no metrics yet, or of what is not a run."""
    return ZooError(f"{folder} has no metrics yet") if (folder / "config.yaml").exists() else _no_run(folder)


def curves(logs: Mapping[str, list[dict[str, float]]], title: str) -> Figure | None:
    """Plot each metric of some runs by epoch, one panel a metric, one color a run.

    Args:
        logs: What :func:`zoo.training.metrics_file.read_metrics` returns of each run, by the name of the run.
        title: What the runs have in common, for the legend.

    Returns:
        The figure; None if no run has a metric to plot.
    """
    keys = [key for key in CURVES if any(key in row for rows in logs.values() for row in rows)]
    if not keys:
        return None
    few = colormaps["tab10"].colors  # type: ignore[attr-defined]  # which a map of a list of colors has
    colors = few if len(logs) <= len(few) else colormaps["turbo"](np.linspace(0, 1, len(logs)))
    labels = dict(zip(logs, map(plain, _shortened(logs, LONGEST_LABEL)), strict=True))
    wide = 2 if len(keys) == 4 else len(keys)
    columns = max(1, LEGEND_WIDTH * wide // (max(map(len, labels.values())) + 6))
    height = 4.0 * len(keys) / wide + 0.25 * (2 + len(labels) / columns)
    figure = Figure(figsize=(5.2 * wide, height), layout="constrained")
    grid: Any = figure.subplots(len(keys) // wide, wide, squeeze=False)
    for axes, key in zip(grid.flat, keys, strict=True):
        for (name, rows), color in zip(logs.items(), colors, strict=False):
            plot_curve(axes, rows, key, color, labels[name])
        split, _, metric = key.partition("/")
        finish_panel(axes, f"{split} {TITLES.get(metric, metric)}")
    drawn = {str(line.get_label()): line for axes in figure.axes for line in axes.lines}
    figure.legend(drawn.values(), drawn.keys(), title=plain(title), loc="outside lower center", ncols=columns)
    return figure


def _read(folder: Path) -> Row:
    """Return the results of a run. Raises ZooError if it has none, with what to do."""
    if (folder / "results.json").exists():
        return read_run(folder)
    if (folder / "config.yaml").exists():
        raise ZooError(f"{folder} is not finished; resume it with --ckpt_path {last_checkpoint(folder)}")
    raise _no_run(folder)


def _no_run(folder: Path) -> ZooError:
    inner = list_runs(folder)
    hint = f"; it has runs in it, such as {inner[0]}" if inner else "" if folder.exists() else ", it does not exist"
    return ZooError(f"{folder} is not a run folder{hint}")


def _names(paths: Sequence[Path]) -> tuple[str, list[str]]:
    """Return the folder that all paths are in, and the paths in it."""
    try:
        common = os.path.commonpath([path.parent for path in paths])
    except ValueError:  # relative and absolute paths, or several drives of Windows
        common = ""
    return "" if common == "." else common, [os.path.relpath(path, common) if common else str(path) for path in paths]


def _shortened(names: Iterable[str], most: int) -> list[str]:
    """Return names without their middles, if they are too long, and different without."""
    short = [shorten_middle(name, most) for name in names]
    return short if len(set(short)) == len(short) else list(names)


def _table(rows: Sequence[Row], common: str, names: Sequence[str]) -> str:
    """Return a table with a column a run."""
    origin = [name for name in ("model", "data", "seed") if len({row[name] for row in rows}) > 1]
    metrics = sort_metrics(name for name in names_of(rows) if name.startswith(SPLITS))
    shown = [*origin, *differing_options(rows), *metrics, "epochs", "parameters", "seconds"]
    columns = [[common, *map(short_name, shown)]]
    for name, row in zip(_shortened(names, LONGEST), rows, strict=True):
        columns.append([name, *(format_value(key, row.get(key)) for key in shown)])
    return format_columns(columns, align=">")
