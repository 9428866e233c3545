"""The results of many runs as one table."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.reports.run_results import (
    COLUMNS,
    SPLITS,
    Row,
    best_is_low,
    differing_options,
    find_column,
    names_of,
    read_results,
    short_name,
)
from zoo.support.console import echo, listed
from zoo.support.files import atomic_write, parse_path
from zoo.support.tables import NOTHING, csv_cell, format_columns, format_number

SHOWN = ("epochs", "seconds", "val/acc", "val/mae", "test/acc", "test/mae", "test/loss")
"""Columns on the screen in addition to the options that differ; the CSV file has all."""


def show(
    folders: Sequence[str], csv_file: str | None = None, sort: str | None = None, where: Sequence[str] = ()
) -> None:
    """Print the results of all runs in some folders, and write them as CSV if asked to.

    The options in which runs of one network on one data set differ are columns.

    Args:
        folders: The folders, as :func:`zoo.read_results` takes them.
        csv_file: The file to write.
        sort: Name of the column to sort by: a metric from its best value on, others from their lowest.
        where: Conditions such as ``model=mlp``, all of which hold for the runs that are shown.

    Raises:
        ZooError: A folder does not exist, there are no results, or a column is unknown.
    """
    rows = read_results(*folders)
    if not rows:
        raise ZooError(f"no results.json found in {', '.join(folders or ('runs',))}; a run writes it when it ends")
    for condition in where:
        rows = _matching(condition, rows)
    by = find_column(sort, rows) if sort else None
    rows = sorted(rows, key=lambda row: _place(by, row.get(by))) if by else rows
    kinds: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        kinds.setdefault((row["model"], row["data"]), []).append(row)
    options = list(dict.fromkeys(name for kind in kinds.values() for name in differing_options(kind)))
    if csv_file:
        _write_csv(parse_path(csv_file, "--csv"), rows, options)
    known = names_of(rows)
    origin = [name for name in ("model", "data", "seed") if len({row[name] for row in rows}) > 1]
    shown = dict.fromkeys(["run", *origin, *options, *(name for name in SHOWN if name in known), *([by] if by else [])])
    echo(format_columns([[short_name(name), *(format_value(name, row.get(name)) for row in rows)] for name in shown]))


def format_value(name: str, value: Any) -> str:
    """Return a value of a row as a cell of a table."""
    if value is None:
        return NOTHING
    if isinstance(value, float):
        return (
            format_number(value) if name.startswith(SPLITS) else f"{value:.1f}" if name == "seconds" else f"{value:g}"
        )
    if name == "run":
        return str(value)  # to be copied
    return f"{value:,}" if name == "parameters" else shorten_middle(str(value))


def shorten_middle(text: str, most: int = 30) -> str:
    """Return a text of at most some characters, without its middle if it is longer."""
    return text if len(text) <= most else f"{text[: most // 2 - 1]}…{text[-(most // 2) :]}"


def _matching(condition: str, rows: Sequence[Row]) -> list[Row]:
    """Return the rows for which a condition such as ``model=mlp`` holds."""
    name, equals, text = condition.partition("=")
    if not equals:
        raise ZooError(f"--where takes a condition such as model=mlp, got {condition}")
    column = find_column(name, rows)
    found = [row for row in rows if _equals(row.get(column), text)]
    if not found:
        values = dict.fromkeys(format_value("", row.get(column)) for row in rows)
        raise ZooError(f"no run has {name}={text}; there are {listed(list(values))}")
    return found


def _equals(value: Any, text: str) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return value == float(text)
        except ValueError:
            return False
    names = {"None": ("null", "none", ""), "True": ("true",), "False": ("false",)}
    return text.lower() in names[str(value)] if str(value) in names else str(value) == text


def _place(column: str, value: Any) -> tuple[bool, float, str]:
    """Return where a value is in its column: best first, numbers before texts, and what is missing last."""
    if isinstance(value, int | float):
        best_is_high = column.startswith(SPLITS) and not best_is_low(column)
        return False, -value if best_is_high else value, ""
    return value is None, float("inf"), str(value)


def _write_csv(path: Path, rows: Sequence[Row], options: Sequence[str]) -> None:
    metrics = [name for name in names_of(rows) if name.startswith(SPLITS)]
    header = [csv_cell(name) for name in (*COLUMNS, *options, *metrics)]
    try:
        with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, extrasaction="ignore")
            writer.writeheader()
            writer.writerows({csv_cell(k): csv_cell(v) for k, v in row.items()} for row in rows)
    except OSError as error:
        raise ZooError(f"{path} cannot be written ({error.strerror})") from None
