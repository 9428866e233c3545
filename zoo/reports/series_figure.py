"""The curves of several runs, as their mean and a band of one standard deviation."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from zoo.reports.figures import COLORS, TITLES, curve_points, draw_curve, finish_panel, panels, plain
from zoo.support.figure import Figure
from zoo.support.tables import sort_metrics

Log = Sequence[Mapping[str, float]]
"""What :func:`zoo.training.metrics_file.read_metrics` returns of a run."""


def curves_with_spread(logs: Mapping[tuple[str, str], Sequence[Log]]) -> Figure | None:
    """Plot each metric by epoch, one panel a metric: the mean of some runs, and a band of one standard deviation.

    Where runs end early, the curve goes on with the others.

    Args:
        logs: Those of the runs of each curve, by split and label.

    Returns:
        The figure; None if no run has a metric to plot.
    """
    names = sort_metrics(
        {
            key.partition("/")[2]
            for (split, _), runs in logs.items()
            for rows in runs
            for row in rows
            for key in row
            if key.startswith(f"{split}/")
        }
    )
    if not names:
        return None
    figure = Figure(figsize=(5.2 * len(names), 4), layout="constrained")
    for axes, name in zip(panels(figure, len(names)), names, strict=True):
        lowest, highest = float("inf"), 0.0
        for number, ((split, label), runs) in enumerate(logs.items()):
            color = COLORS.get(label, f"C{number}")
            epochs, means, spreads = _means([curve_points(rows, f"{split}/{name}") for rows in runs])
            if not means:
                continue
            draw_curve(axes, epochs, means, color=color, label=plain(label))
            low, high = ([m + sign * s for m, s in zip(means, spreads, strict=True)] for sign in (-1, 1))
            axes.fill_between(epochs, low, high, color=color, alpha=0.2, linewidth=0)
            lowest, highest = min(lowest, *low), max(highest, *high)
        splits = {split for split, _ in logs}
        of = f"{splits.pop()} " if len(splits) == 1 else ""
        finish_panel(axes, of + TITLES.get(name, name), [lowest, highest])
        axes.legend(fontsize="small")
    return figure


def _means(runs: Sequence[Sequence[tuple[float, float]]]) -> tuple[list[float], list[float], list[float]]:
    """Return epochs, means and standard deviations of each measurement of some runs: the first ones, the second, ..."""
    epochs, means, spreads = [], [], []
    for place in range(max(map(len, runs), default=0)):
        points = [points[place] for points in runs if place < len(points)]
        values = [value for _, value in points]
        epochs.append(statistics.fmean(epoch for epoch, _ in points))
        means.append(statistics.fmean(values))
        spreads.append(statistics.stdev(values) if len(values) > 1 else 0.0)
    return epochs, means, spreads
