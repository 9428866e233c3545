"""Rows of values between commas, semicolons or tabs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from zoo.errors import ZooError

DELIMITERS = (",", ";", "\t")

csv.field_size_limit(300_000_000)  # the largest file; texts of a table are checked by those who read them

HEAD = 100_000
"""Characters from which the delimiter is told."""


def find_delimiter(text: str) -> str:
    """Return the delimiter that divides the first row into most values; a comma, if none does."""
    return max(
        DELIMITERS, key=lambda delimiter: len(next(csv.reader(io.StringIO(text[:HEAD]), delimiter=delimiter), []))
    )


def parse_delimited(text: str, delimiter: str | None = None) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows of a text, each with the number of the line on which it begins. Blank lines are left out.

    Args:
        text: The text. A value in double quotes may contain delimiters and line breaks.
        delimiter: What is between the values. Default: a comma, semicolon or tab, whichever the first row has.

    Raises:
        ZooError: A quoted value does not end.
    """
    rows = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter or find_delimiter(text), skipinitialspace=True, strict=True
    )
    line = 1
    try:
        for row in rows:
            if row:
                yield line, row
            line = rows.line_num + 1
    except csv.Error as error:
        raise ZooError(f"line {line}: {error}; check its quotes") from None
