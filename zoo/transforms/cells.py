"""The values of a table, one column at a time: numbers are standardized, texts one-hot."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np

from zoo.errors import ZooError, suggestion
from zoo.support.console import listed

MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})
"""What stands for a missing value, in any case."""

Array = np.ndarray[Any, np.dtype[np.float64]]


class CellError(ZooError):
    """A value cannot be used.

    Args:
        row: Index of its row.
        problem: What is wrong.
    """

    def __init__(self, row: int, problem: str) -> None:
        super().__init__(problem)
        self.row = row


def is_missing(cell: Any) -> bool:
    """Return whether a value is missing: an empty text or one that says so, None, NaN, or pandas' NA."""
    if isinstance(cell, str):  # its first character rules out most
        return cell[:1] in " \tnN?" and cell.strip().lower() in MISSING
    try:
        return cell is None or bool(cell != cell)
    except TypeError:  # pandas' NA is neither equal nor not
        return True


def parse_number(cell: Any) -> float:
    """Return a value as a number, NaN if it is missing. Raises ValueError if it is another text."""
    try:
        if isinstance(cell, str) and "_" in cell:
            raise ValueError
        return float(cell)
    except (TypeError, ValueError, OverflowError):
        if is_missing(cell):
            return float("nan")
        raise ValueError from None


def as_numbers(cells: Sequence[Any]) -> Array | None:
    """Return values as numbers, shape ``(rows,)``, if all are texts of numbers; the fast way, for tables of those."""
    try:
        return None if "_" in "".join(cells) else np.fromiter(map(float, cells), np.float64, len(cells))
    except (TypeError, ValueError):
        return None


def numbers_of(name: str, cells: Sequence[Any]) -> Array:
    """Return the values of a column as numbers, NaN where one is missing, shape ``(rows,)``.

    Raises:
        CellError: A value is not a number, or is infinite.
    """
    numbers = as_numbers(cells)
    if numbers is None:
        numbers = np.empty(len(cells))
        for row, cell in enumerate(cells):
            try:
                numbers[row] = parse_number(cell)
            except ValueError:
                raise CellError(row, f"column {name!r} has {str(cell)[:40]!r}, expected a number") from None
    for row in np.isinf(numbers).nonzero()[0].tolist():
        raise CellError(row, f"column {name!r} has {str(cells[row])[:40]!r}, expected a finite number")
    return numbers


def text_of(cell: Any) -> str:
    """Return the text of a value as categories and classes have it."""
    return str(cell).strip()


@dataclass(frozen=True)
class Column:
    """A column of a table, and what was learned from it.

    Attributes:
        name: Its name.
        mean: Mean of its numbers.
        std: Standard deviation of its numbers.
        categories: Its texts, if it has texts, sorted.
        missing: What a missing value is replaced by; None if one is refused.
    """

    name: str
    mean: float = 0.0
    std: float = 1.0
    categories: tuple[str, ...] = ()
    missing: float | str | None = None

    @property
    def width(self) -> int:
        """Number of features."""
        return len(self.categories) or 1

    def encode(self, cells: Sequence[Any], *, others: bool = False) -> Array:
        """Return features, shape ``(rows, width)``: standardized numbers, or 1 for the category of a row and else 0.

        Args:
            cells: The values.
            others: Whether a category that is not known is all zeros, rather than an error.

        Raises:
            CellError: A value is missing, is no finite number, or is an unknown category.
        """
        if not self.categories:
            numbers = numbers_of(self.name, cells)
            for row in np.isnan(numbers).nonzero()[0].tolist():
                numbers[row] = self._replaced(row)
            with np.errstate(over="ignore"):  # what overflows is reported by the table
                return ((numbers - self.mean) / self.std)[:, np.newaxis]
        places = {category: place for place, category in enumerate(self.categories)}
        places |= {name.lower(): place for name, place in places.items() if name.lower() in ("true", "false")}
        features = np.zeros((len(cells), self.width))
        for row, cell in enumerate(cells):
            text = str(self._replaced(row)) if is_missing(cell) else text_of(cell)
            place = places.get(text, places.get(text.lower()) if text in ("True", "False") else None)
            if place is not None:
                features[row, place] = 1
            elif not others:
                hint = suggestion(text, self.categories) or f"; it had {listed(self.categories)}"
                raise CellError(row, f"column {self.name!r} has {text[:40]!r}, which it did not have in training{hint}")
        return features

    def decode(self, features: Sequence[float]) -> str:
        """Return the value of one row as text."""
        if not self.categories:
            return f"{features[0] * self.std + self.mean:.4g}"
        return self.categories[features.index(1)] if 1 in features else "another"

    def has(self, cell: Any) -> bool:
        """Return whether the column could have a value."""
        try:
            self.encode([cell])
        except CellError:
            return False
        return True

    def _replaced(self, row: int) -> float | str:
        if self.missing is None:
            raise CellError(row, f"column {self.name!r} is missing")
        return self.missing


def row_as_text(columns: Sequence[Column], features: Sequence[float]) -> str:
    """Return the values of a row by the names of the columns, given its features."""
    ends = accumulate(column.width for column in columns)
    return ", ".join(
        f"{column.name} {column.decode(features[end - column.width : end])}"
        for column, end in zip(columns, ends, strict=True)
    )
