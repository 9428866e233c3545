"""Formatting of tables and numbers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from zoo.support.console import escape_control

NOTHING = "–"
"""The cell of a value that is not there."""

ANY_WIDTH = 1_000_000
"""Width of what is no terminal, such as a file."""


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]], align: str = "<") -> str:
    """Return rows of text as a table with aligned columns.

    Args:
        header: Names of the columns.
        rows: The cells.
        align: Alignment of all columns but the first: ``"<"`` for text, ``">"`` for numbers.
    """
    table = [[escape_control(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    aligned = ["<", *[align] * (len(header) - 1)]
    lines = (zip(row, aligned, widths, strict=True) for row in table)
    return "\n".join("  ".join(f"{cell:{side}{width}}" for cell, side, width in line).rstrip() for line in lines)


def format_columns(columns: Sequence[Sequence[str]], align: str = "<") -> str:
    """Return columns of text, each with its name first, as a table that fits the terminal.

    If it is too narrow, there are several tables below each other. Each has the first column, and the rows that have a
    value in its other columns.

    Args:
        columns: The columns.
        align: Alignment of all columns but the first, as in :func:`format_table`.
    """
    first, *others = [[escape_control(cell) for cell in column] for column in columns]
    terminal = shutil.get_terminal_size((ANY_WIDTH, 24)).columns
    blocks: list[list[list[str]]] = []
    left = 0
    for column in others:
        width = max(map(len, column)) + 2
        if not blocks or width > left:
            blocks.append([])
            left = terminal - max(map(len, first))
        blocks[-1].append(column)
        left -= width
    tables = []
    for block in blocks:
        header, *rows = zip(first, *block, strict=True)
        tables.append(format_table(header, [row for row in rows if {*row[1:]} != {NOTHING}], align))
    return "\n\n".join(tables)


def format_metrics(metrics: Mapping[str, Mapping[str, float | None] | None]) -> str:
    """Return metrics as a table: a row a split, a column a metric."""
    names = sort_metrics({name for values in metrics.values() for name in values or {}})
    rows = []
    for split, values in metrics.items():
        found = [(values or {}).get(name) for name in names]
        rows.append([split, *(NOTHING if value is None else format_number(value) for value in found)])
    return format_table(["", *names], rows, align=">")


def format_number(value: float) -> str:
    """Return a number with four decimals, or in scientific notation if that would round it to zero."""
    return f"{value:.1e}" if 0 < abs(value) < 0.0005 else f"{value:.4f}"


def shorten(text: str, length: int) -> str:
    """Return a text of at most so many characters."""
    return text if len(text) <= length else text[: length - 1] + "…"


def csv_cell(value: Any) -> Any:
    """Return a cell of a CSV file. Text that a spreadsheet would run as a formula is prefixed with an apostrophe."""
    if isinstance(value, int | float) or value is None:
        return value
    value = escape_control(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def format_narrow_table(header: Sequence[str], rows: Sequence[Sequence[str]], width: int = 80) -> str:
    """Return a table of numbers, without those of the last columns that would make it wider than a terminal."""
    table = format_table(header, rows, align=">")
    if len(table.partition("\n")[0]) <= width or len(header) < 3:
        return table
    return format_narrow_table(header[:-1], [row[:-1] for row in rows], width)


def sort_metrics(names: Iterable[str]) -> list[str]:
    """Return names such as ``val/acc`` sorted by split (train, val, test), the loss first in each."""
    splits = ["train", "val", "test"]

    def place(name: str) -> tuple[int, bool, str]:
        split, _, metric = name.rpartition("/")
        return splits.index(split) if split in splits else len(splits), metric != "loss", metric

    return sorted(names, key=place)
