"""What the columns of a table are, and what is learned from them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from zoo.datamodules.common.table_files import TableFile
from zoo.errors import ZooError
from zoo.transforms.cells import CellError, Column, as_numbers, is_missing, numbers_of, parse_number, text_of

Missing = Literal["refuse", "mean", "drop"]
"""What is done about missing values."""

MOSTLY = 0.75
"""A column of which at least this share are numbers is a column of numbers."""

MOST_CATEGORIES = 100
MOST_CLASSES = 20
"""With more different integers, a target is a number."""

INTEGER = re.compile(r"[+-]?\d+")


def has_numbers(name: str, table: TableFile) -> bool:
    """Return whether a column has numbers, rather than texts. Raises ZooError if most, but not all, are numbers."""
    if as_numbers(table.columns[name]) is not None:
        return True
    cells = [cell for cell in table.columns[name] if not is_missing(cell)]
    numeric = sum(map(_is_number, cells))
    if MOSTLY * len(cells) <= numeric < len(cells):
        row = next(row for row, cell in enumerate(table.columns[name]) if not is_missing(cell) and not _is_number(cell))
        raise ZooError(
            f"{table.place(row)}: column {name!r} has {table.columns[name][row][:40]!r}, but numbers in most rows; "
            "correct it, or omit the column with --data.drop"
        )
    return numeric == len(cells)


def _is_number(cell: str) -> bool:
    try:
        parse_number(cell)
    except ValueError:
        return False
    return True


def classes_of(name: str, table: TableFile, least: int = 2) -> tuple[str, ...]:
    """Return the classes of a target: its texts, or its integers if they are few; none if it is a number.

    Args:
        name: Name of the target.
        table: The table.
        least: Smallest number of rows of a class.

    Raises:
        ZooError: It has one value, too many texts, or a class with too few rows.
    """
    counts = Counter(text_of(cell) for cell in table.columns[name])
    numeric = has_numbers(name, table)
    if len(counts) == 1:
        raise ZooError(f"{table.path}: the target {name!r} has only one value, {next(iter(counts))[:40]!r}")
    if numeric and not (len(counts) <= MOST_CLASSES and all(map(INTEGER.fullmatch, counts))):
        return ()
    if len(counts) > max(MOST_CLASSES, len(table) // 2):
        raise ZooError(
            f"{table.path}: the target {name!r} has {len(counts):,} different texts in {len(table):,} rows, too many "
            "for classes"
        )
    for text, count in counts.items():
        if count < least:
            row = [text_of(cell) for cell in table.columns[name]].index(text)
            raise ZooError(
                f"{table.place(row)} is the only row of class {text[:40]!r}, which cannot be both learned and tested; "
                "remove it, or add rows of its class"
            )
    check_case(counts, table.path)
    return tuple(sorted(counts, key=int if numeric else None))


def groups_of(name: str, table: TableFile) -> Tensor:
    """Return the group of each row, shape ``(rows,)``: the index of its text among those of a column, sorted."""
    return targets_of(name, table, sorted({text_of(cell) for cell in table.columns[name]}))


def targets_of(name: str, table: TableFile, classes: Sequence[str]) -> Tensor:
    """Return the targets: class indices, shape ``(rows,)``, or numbers, ``(rows, 1)``, if there are no classes.

    Raises:
        ZooError: A target is not among the classes, or is no finite number.
    """
    cells = table.columns[name]
    if not classes:
        try:
            numbers = torch.from_numpy(numbers_of(name, cells)).float().unsqueeze(1)
        except CellError as error:
            raise placed(error, table, range(len(table))) from None
        for row in (~numbers.isfinite()).flatten().nonzero().flatten().tolist():
            raise ZooError(f"{table.place(row)}: {name!r} is a number that is too large")
        return numbers
    places = {text: place for place, text in enumerate(classes)}
    for row, cell in enumerate(cells):
        if text_of(cell) not in places:
            raise ZooError(f"{table.place(row)}: the trained network has no class {text_of(cell)[:40]!r}")
    return torch.tensor([places[text_of(cell)] for cell in cells])


def check_case(classes: Iterable[str], where: Path) -> None:
    """Raise ZooError if two classes differ by case alone."""
    known: dict[str, str] = {}
    for name in classes:
        if (other := known.setdefault(name.casefold(), name)) != name:
            raise ZooError(f"{where}: the classes {other[:40]!r} and {name[:40]!r} differ by case alone; make them one")


def learn_column(name: str, table: TableFile, train: Sequence[int], numeric: bool, fill: bool) -> Column:
    """Learn mean and standard deviation of numbers, or the categories of texts, from the training rows.

    Args:
        name: Name of the column.
        table: The table.
        train: The training rows.
        numeric: Whether the column has numbers.
        fill: Whether missing values are replaced, by the mean or the most frequent category.

    Raises:
        ZooError: The values are all the same, or so different that nothing can be learned from them.
    """
    kept = [row for row in train if not is_missing(table.columns[name][row])]
    cells = [table.columns[name][row] for row in kept]
    where, advice = f"{table.path}: column {name!r}", "omit it with --data.drop"
    if not cells:
        raise ZooError(f"{where} has no values in the training split; {advice}")
    if numeric:
        try:
            numbers = numbers_of(name, cells)
        except CellError as error:
            raise placed(error, table, kept) from None
        if numbers.min() == numbers.max():
            raise ZooError(f"{where} has the same value in all training rows, {cells[0][:40]!r}; {advice}")
        with np.errstate(over="ignore", under="ignore"):
            mean, std = float(numbers.mean()), float(numbers.std())
        if not (np.isfinite(std) and std > 0):
            raise ZooError(f"{where} has numbers that are too large or too close to each other; {advice}")
        return Column(name, mean, std, missing=mean if fill else None)
    counts = Counter(map(text_of, cells))
    if len(counts) == 1:
        raise ZooError(f"{where} has the same value in all training rows, {cells[0][:40]!r}; {advice}")
    if len(counts) > MOST_CATEGORIES or len(counts) == len(cells):
        raise ZooError(f"{where} has {len(counts):,} different texts in {len(cells):,} training rows; {advice}")
    most_frequent = max(sorted(counts), key=lambda text: counts[text])
    return Column(name, categories=tuple(sorted(counts)), missing=most_frequent if fill else None)


def placed(error: CellError, table: TableFile, rows: Sequence[int]) -> ZooError:
    """Return the error of a value among some rows of a table, with its place."""
    return ZooError(f"{table.place(rows[error.row])}: {error}")


def without_missing(table: TableFile, inputs: Sequence[str], others: Sequence[str], missing: Missing) -> TableFile:
    """Return the rows of a table that can be used.

    Args:
        table: The table.
        inputs: Names of the columns that are inputs.
        others: Names of further columns, such as the target, whose missing values cannot be replaced.
        missing: What is done about missing values.

    Raises:
        ZooError: A column has no values; or a value is missing, and is neither to be replaced nor dropped.
    """
    unusable: set[int] = set()
    for name in (*others, *inputs):
        absent = [row for row, cell in enumerate(table.columns[name]) if is_missing(cell)]
        if len(absent) == len(table):
            raise ZooError(f"{table.path}: column {name!r} has no values; omit it with --data.drop")
        if missing == "drop":
            unusable |= {*absent}
        elif absent and not (missing == "mean" and name in inputs):
            advice = "mean or drop" if name in inputs else "drop"
            raise ZooError(f"{table.place(absent[0])}: column {name!r} is missing; give --data.missing {advice}")
    if len(unusable) == len(table):
        raise ZooError(f"{table.path} has no row without a missing value")
    return table.chosen([row for row in range(len(table)) if row not in unusable]) if unusable else table
