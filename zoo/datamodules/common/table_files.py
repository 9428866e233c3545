"""Files of tables: CSV, TSV and Parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.datamodules.common.files import read_text
from zoo.errors import ZooError, suggestion
from zoo.support.console import listed, one_line
from zoo.support.delimited import parse_delimited
from zoo.support.files import open_file

LARGEST = 300_000_000
"""Bytes of a CSV file: in memory, its texts take ten times as much."""

Rows = list[tuple[int, list[str]]]


def unit(path: Path) -> str:
    """Return what a file has its rows in: lines of text, or rows."""
    return "row" if path.suffix.lower() == ".parquet" else "line"


def read_rows(path: Path) -> Rows:
    """Return the rows of a file, the first of which may be the names of the columns, with the numbers of their lines.

    Raises:
        ZooError: The file cannot be read, is empty, or has a row of another width.
    """
    if unit(path) == "row":
        rows = _read_parquet(path)
    else:
        try:
            rows = [*parse_delimited(read_text(path, LARGEST), "\t" if path.suffix.lower() == ".tsv" else None)]
        except ZooError as error:
            raise ZooError(str(error) if str(path) in str(error) else f"{path}, {error}") from None
    if not rows:
        raise ZooError(f"{path} is empty")
    for line, row in rows:
        if len(row) != len(rows[0][1]):
            raise ZooError(
                f"{path}, {unit(path)} {line}: {len(row)} values, expected {len(rows[0][1])}, as in the first"
            )
    return rows


def _read_parquet(path: Path) -> Rows:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise ZooError(f"{path}: Parquet needs pyarrow: pip install 'lightning-zoo[parquet]'") from None
    try:
        with open_file(path) as file:
            columns: dict[str, list[Any]] = parquet.read_table(file).to_pydict()
    except (OSError, ArrowException) as error:
        raise ZooError(f"{path} cannot be read as Parquet: {one_line(error)[:100]}") from None
    rows = zip(*columns.values(), strict=True)
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    return [*enumerate([[*columns], *cells])] if columns else []


@dataclass
class TableFile:
    """A file of named columns.

    Attributes:
        path: The file.
        columns: The values of each column, by name.
        lines: The number of the line of each row.
    """

    path: Path
    columns: dict[str, Sequence[str]]
    lines: Sequence[int]

    @classmethod
    def read(cls, path: Path) -> TableFile:
        """Read a file. Raises ZooError if it cannot be read, or is not a table with names in its first row."""
        if not path.exists():
            raise ZooError(f"{path} does not exist; give the file of your table with --data.path")
        (_, header), *rows = read_rows(path)
        names = [name.strip() for name in header]
        for place, name in enumerate(names, start=1):
            if not name:
                raise ZooError(f"{path}: column {place} has no name; give it one, or save the table without its index")
            if name in names[: place - 1]:
                raise ZooError(f"{path} has two columns {name!r}; rename one of them")
        if not rows:
            raise ZooError(f"{path} has the names of columns, but no rows")
        lines, cells = zip(*rows, strict=True)
        return cls(path, dict(zip(names, zip(*cells, strict=True), strict=True)), lines)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.lines)

    def checksum(self) -> str:
        """Return a checksum of names and values; the same for files that differ in delimiters and line ends alone."""
        return hashlib.sha256(repr(self.columns).encode()).hexdigest()

    def place(self, row: int) -> str:
        """Return the file and the line of a row, for a message."""
        return f"{self.path}, {unit(self.path)} {self.lines[row]}"

    def check_has(self, names: Sequence[str], what: str) -> None:
        """Raise ZooError if a column does not exist, and say what it is."""
        for name in names:
            if name not in self.columns:
                hint = suggestion(name, self.columns) or f"; it has {listed([*self.columns])}"
                raise ZooError(f"{self.path} has no column {name!r} ({what}){hint}")

    def chosen(self, rows: Sequence[int]) -> TableFile:
        """Return the table of some rows."""
        columns: dict[str, Sequence[str]] = {name: [cells[row] for row in rows] for name, cells in self.columns.items()}
        return TableFile(self.path, columns, [self.lines[row] for row in rows])
