"""The report on a series of runs: a table, ``summary.json`` and the figure of the curves."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.reports.figures import save
from zoo.reports.run_results import best_is_low, short_name
from zoo.reports.series_figure import curves_with_spread
from zoo.support.console import command_line, echo
from zoo.support.files import atomic_write
from zoo.support.tables import NOTHING, format_narrow_table, format_number, format_table, shorten, sort_metrics
from zoo.training.metrics_file import metrics_path, read_metrics
from zoo.training.series import Series, SubRun
from zoo.training.versions import versions

LONGEST_VALUE = 30
"""Characters of the value of an option, in the table and the figure."""

MOST_DRAWN = 8
"""Combinations whose curves the figure of a sweep shows: the best ones."""

Metrics = dict[str, float]
"""By name, such as ``val/acc``."""


def report_series(series: Series, failures: Mapping[str, str], best: str) -> None:
    """Print the table of a series whose runs have ended, draw the figure, and write ``summary.json``.

    Args:
        series: The series.
        failures: Why runs could not be trained, by name.
        best: Of a sweep, the command of the best combination; empty otherwise.
    """
    combinations = best_first(series) if best else series.combinations()
    summaries = [_summary(series, runs, failures) for runs in combinations]
    first = next(results for run in series.runs if (results := series.results_of(run)))
    content = {
        "command": series.command,
        "model": first["model"],
        "data": first["data"],
        "parameters": first["parameters"],
        "best": best or None,
        "combinations": summaries,
        "versions": versions(),
    }
    with atomic_write(series.folder / "summary.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    if best:
        echo(f"\n{_table_of_combinations(summaries)}\n\nthe best:")
    echo(f"\n{_table_of_runs(summaries[0])}\n")
    _draw(series, combinations, summaries)
    lines = {"figure": "curves.png", "summary": "summary.json"}
    for what, name in lines.items():
        echo(f"{what:<12}{series.folder / name}")
    if best:
        echo(f"{'best':<12}{best}")


def best_first(series: Series) -> list[list[SubRun]]:
    """Return the runs of each combination, the best combination first: by its mean val/acc, or else val/mae or loss.

    Combinations with equal means are in the order of their loss, and then of the command. Those that a search stopped
    early come after the others, and those with a run that could not be trained last.
    """

    def place(runs: list[SubRun]) -> tuple[bool, bool, float, float]:
        found = score(series, runs)
        return found is None, any(map(series.was_pruned, runs)), *(found or (0.0, 0.0))

    return sorted(series.combinations(), key=place)


def score(series: Series, runs: Sequence[SubRun]) -> tuple[float, float] | None:
    """Return what the best combination has least of: its mean val/acc, negated, or val/mae or loss; then its loss.

    None if a run could not be trained.
    """
    results = [series.results_of(run) for run in runs]
    if not all(results):
        return None
    means = _means([_flat(one) for one in results if one])
    name = ranked_by(means)
    return _sign(name) * means.get(name, math.inf), means.get("val/loss", math.inf)


def validation_curve(folder: Path) -> list[float]:
    """Return what a run measured in each validation: what the best combination has least of."""
    path = metrics_path(folder)
    rows = read_metrics(path) if path.exists() else []
    name = ranked_by({name for row in rows for name in row})
    return [_sign(name) * row[name] for row in rows if name in row]


def _sign(name: str) -> int:
    return 1 if best_is_low(name) else -1


def ranked_by(metrics: Container[str]) -> str:
    """Return the name of the metric that decides which combination is best."""
    return next((name for name in ("val/acc", "val/mae") if name in metrics), "val/loss")


def measured(results: Mapping[str, Any]) -> str:
    """Return the metrics of a run that has ended, as one line."""
    found = _flat(results)
    shown = [f"{split}/{name}" for split in ("val", "test") for name in ("loss", "acc", "mae")]
    return "  ".join(f"{name} {format_number(found[name])}" for name in shown if name in found)


def _flat(results: Mapping[str, Any]) -> Metrics:
    """Return the metrics of ``results.json`` by their full names, without those that are not finite."""
    found = {
        f"{split}/{name}": value
        for split, values in results["metrics"].items()
        for name, value in (values or {}).items()
        if value is not None
    }
    return {name: found[name] for name in sort_metrics(found)}


def _means(rows: Sequence[Metrics]) -> Metrics:
    """Return the mean of each metric that all runs have."""
    names = [name for name in (rows or [{}])[0] if all(name in row for row in rows)]
    return {name: statistics.fmean(row[name] for row in rows) for name in names}


def _summary(series: Series, runs: Sequence[SubRun], failures: Mapping[str, str]) -> dict[str, Any]:
    """Return what ``summary.json`` says of a combination of options."""
    told, rows = [], []
    for run in runs:
        results = series.results_of(run)
        row: dict[str, Any] = {"run": run.name, "words": command_line(run.words)}
        if results:
            row |= {name: results[name] for name in ("seed", "epochs", "steps", "seconds")}
            row["metrics"] = _flat(results)
            row |= {"pruned": True} if series.was_pruned(run) else {}
            rows.append(row["metrics"])
        else:
            row["failed"] = failures[run.name]
        told.append(row)
    means = _means(rows) if len(rows) == len(runs) else {}
    return {
        "options": {name.removeprefix("--"): value for name, value in runs[0].options.items()},
        "runs": told,
        "mean": means,
        "std": {name: statistics.stdev(row[name] for row in rows) for name in means} if len(rows) > 1 else {},
    }


def _table_of_runs(summary: Mapping[str, Any]) -> str:
    """Return a table with a row a run, the mean and the standard deviation: the first metrics, as many as fit."""
    names = [name for name in summary["mean"] if not name.startswith("train/")]
    rows = [[row["run"], str(row["epochs"]), *_cells(row["metrics"], names)] for row in summary["runs"]]
    rows += [[what, "", *_cells(summary[what], names)] for what in ("mean", "std") if summary[what]]
    return format_narrow_table(["run", "epochs", *names], rows)


def _table_of_combinations(summaries: Sequence[Mapping[str, Any]]) -> str:
    """Return a table with a row a combination of options, the best first."""
    options = list(summaries[0]["options"])
    means: Metrics = summaries[0]["mean"]
    names = list(dict.fromkeys(name for name in (ranked_by(means), "val/loss") if name in means))
    rows = []
    for summary in summaries:
        cells = [_with_spread(summary, name) if summary["mean"] else "failed" for name in names]
        runs = [run["run"] for run in summary["runs"]]
        folders = runs[0] if len(runs) == 1 else f"{runs[0].partition('-')[0]}-*"
        folders += " (pruned)" if any("pruned" in run for run in summary["runs"]) else ""
        rows.append([*(shorten(value, LONGEST_VALUE) for value in summary["options"].values()), *cells, folders])
    return format_table([*map(short_name, options), *names, "runs"], rows, align=">")


def _with_spread(summary: Mapping[str, Any], name: str) -> str:
    mean = format_number(summary["mean"][name]) if name in summary["mean"] else NOTHING
    return f"{mean} ± {format_number(summary['std'][name])}" if name in summary["std"] else mean


def _cells(values: Mapping[str, float], names: Sequence[str]) -> list[str]:
    return [format_number(values[name]) if name in values else NOTHING for name in names]


def _draw(series: Series, combinations: Sequence[Sequence[SubRun]], summaries: Sequence[Mapping[str, Any]]) -> None:
    """Draw the mean curves: train and val of the only combination, or val of the best ones."""
    logs: dict[tuple[str, str], list[list[dict[str, float]]]] = {}
    for runs, summary in list(zip(combinations, summaries, strict=True))[:MOST_DRAWN]:
        paths = [metrics_path(series.folder_of(run)) for run in runs]
        rows = [read_metrics(path) for path in paths if path.exists()]
        if not summary["mean"] or not rows:
            continue
        options = {name.rpartition(".")[2]: shorten(value, LONGEST_VALUE) for name, value in summary["options"].items()}
        label = ", ".join(f"{name} {value}" for name, value in options.items())
        logs |= {("val", label): rows} if label else {("train", "train"): rows, ("val", "val"): rows}
    if figure := curves_with_spread(logs):
        save(figure, series.folder / "curves.png")
