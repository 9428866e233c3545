"""The transform of tables with named columns."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from zoo.errors import ZooError, suggestion
from zoo.kinds import InputKind
from zoo.support.console import listed
from zoo.support.delimited import parse_delimited
from zoo.transforms.base import Transform
from zoo.transforms.cells import Column, is_missing, row_as_text

MOST_FEATURES = 1_000_000


class Learned(NamedTuple):
    """What was learned from a table.

    Attributes:
        columns: The columns that are inputs, in the order of the features.
        header: Names of all columns, in the order of the file.
        target: Name of the column to be predicted.
        classes: Names of the classes, by index; empty if the target is a number.
    """

    columns: tuple[Column, ...]
    header: tuple[str, ...]
    target: str
    classes: tuple[str, ...]


@dataclass(frozen=True)
class Table(Transform):
    """Converts a row of a table: numbers are standardized, texts one-hot.

    A row is a list of values in the order of the columns, or with all columns of the file that was trained on, with or
    without its target; or a dictionary by the names of the columns, in which others are ignored. On the command line,
    it is a comma-separated list.

    Input: floats, shape ``(features,)``. If the target is a number, a 1 is added at the end, with which a network
    without a bias learns the mean.

    Args:
        learned: What was learned from the training data, as JSON; see :class:`Learned`.
    """

    learned: str
    takes: ClassVar[InputKind] = "table"

    @classmethod
    def of(cls, learned: Learned) -> Self:
        """Return the transform for what was learned."""
        columns = [
            {key: value for key, value in asdict(column).items() if value != getattr(Column, key, ())}
            for column in learned.columns
        ]
        return cls(json.dumps({**learned._asdict(), "columns": columns}, ensure_ascii=False))

    @cached_property
    def parts(self) -> Learned:
        """What was learned. Raises ZooError if the JSON is invalid."""
        try:
            return _parsed(json.loads(self.learned))
        except (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError):
            raise ZooError("the transform Table expects JSON of columns, header, target and classes") from None

    @property
    def features(self) -> int:
        """Number of features of an input."""
        return sum(column.width for column in self.parts.columns) + (not self.parts.classes)

    def encode(self, columns: Sequence[Sequence[Any]], *, others: bool = False) -> Tensor:
        """Return inputs, shape ``(rows, features)``.

        Args:
            columns: The values of each column.
            others: Whether a category that is not known is all zeros, rather than an error.

        Raises:
            CellError: A value is missing or invalid.
        """
        parts = [column.encode(cells, others=others) for column, cells in zip(self.parts.columns, columns, strict=True)]
        if not self.parts.classes:
            parts.append(np.ones((len(parts[0]), 1)))
        return torch.from_numpy(np.concatenate(parts, axis=1)).float()

    def is_header(self, row: Sequence[str]) -> bool:
        """Return whether a first row has names of columns: a known one, or no value that its column could have."""
        if not {*row}.isdisjoint(column.name for column in self.parts.columns):
            return True
        try:
            value = self._by_name(row, [column.name for column in self.parts.columns])
        except ZooError:
            return False
        cells = [(column, value[column.name]) for column in self.parts.columns]
        return not any(is_missing(cell) or column.has(cell) for column, cell in cells)

    def read(self, source: str) -> list[str]:
        """Read a row such as ``0.5,red``."""
        return next((row for _, row in parse_delimited(source)), [])

    def several(self, x: Any) -> list[Any]:
        """Return the rows of what is to be predicted; those of a data frame as dictionaries."""
        if hasattr(x, "to_dict") and hasattr(x, "columns"):
            named = any(isinstance(name, str) for name in x.columns)  # else it has numbers, which pandas gave it
            names = [str(name) for name in x.columns]
            return [dict(zip(names, row, strict=True)) if named else row for row in x.to_numpy().tolist()]
        if hasattr(x, "to_dict") and any(isinstance(name, str) for name in x.to_dict()):
            return [x.to_dict()]
        return super().several(x)

    def is_one(self, value: Any) -> bool:
        """Return whether a value is a single row."""
        return super().is_one(value) or (_is_row(value) and len(value) > 0)

    def __call__(self, value: Mapping[str, Any] | Sequence[Any] | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError for a row of another width, a missing column and an invalid value."""
        names = [column.name for column in self.parts.columns]
        if not isinstance(value, Mapping):
            value = self._by_name(value, names)
        for name in names:
            if name not in value:
                hint = suggestion(name, {*map(str, value)} - {*names}) or f"; expected {listed(names)}"
                raise ZooError(f"the row has no column {name!r}{hint}")
        row = self.encode([[value[name]] for name in names])[0]
        if not row.isfinite().all():
            raise ZooError(f"{listed([str(value[name]) for name in names])} has a number that is too large")
        return row

    def as_text(self, x: Tensor) -> str:
        """Return the values of an input by the names of the columns."""
        return row_as_text(self.parts.columns, x.tolist())

    def _by_name(self, row: Any, names: list[str]) -> dict[str, Any]:
        if not _is_row(row):
            raise ZooError(f"expected a row with {listed(names)}, got {str(row)[:40]!r}")
        header, target = self.parts.header, self.parts.target
        for layout in (names, [name for name in header if name != target], header):
            if len(row) == len(layout):
                return dict(zip(layout, row, strict=True))
        given = listed([str(value) for value in row])
        raise ZooError(f"expected {len(names)} values ({listed(names)}), got {len(row)}: {given!r}")


def _is_row(value: Any) -> bool:
    """Return whether a value is a sequence of single values."""
    if isinstance(value, str) or not (
        isinstance(value, Sequence) or (isinstance(value, np.ndarray) and value.ndim == 1)
    ):
        return False
    return not any(
        isinstance(cell, Mapping)
        or (isinstance(cell, Sequence) and not isinstance(cell, str))
        or getattr(cell, "ndim", 0)
        for cell in value
    )


def _parsed(content: dict[str, Any]) -> Learned:
    """Return what was learned. Raises ValueError, or any error of a wrong type, if it is not valid."""
    columns = tuple(
        Column(**{**column, "categories": _names(column.get("categories", []))}) for column in content["columns"]
    )
    learned = Learned(columns, _names(content["header"]), content["target"], _names(content["classes"]))
    if content.keys() != {*Learned._fields} or not columns or learned.target not in learned.header:
        raise ValueError
    if not {*_names([column.name for column in columns])} <= {*learned.header} - {learned.target}:
        raise ValueError
    for column in columns:
        kinds = [str] if column.categories else [int, float]
        numbers = [column.mean, column.std, *([] if column.categories or column.missing is None else [column.missing])]
        if not all(type(number) in (int, float) and math.isfinite(float(number)) for number in numbers):
            raise ValueError
        if column.std <= 0 or (column.missing is not None and type(column.missing) not in kinds):
            raise ValueError
        if column.categories and column.missing not in (None, *column.categories):
            raise ValueError
    if len(learned.classes) == 1 or sum(column.width for column in columns) >= MOST_FEATURES:
        raise ValueError
    return learned


def _names(value: Any) -> tuple[str, ...]:
    """Return a list of different texts as a tuple. Raises ValueError if it is anything else."""
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value) or len({*value}) < len(value):
        raise ValueError
    return tuple(value)
