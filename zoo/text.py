"""Numbers and tables on the screen, and nothing that a terminal would obey."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import TextIO

REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What changes the direction of the text after it."""


def plain(text: object, keep: str = "") -> str:
    """Return a text with control characters as their escapes: what strangers wrote is not to steer a terminal.

    Args:
        text: The text; names of classes and files, and whatever else is read from files.
        keep: Control characters to leave in.
    """
    text = str(text)
    if is_plain(text):
        return text
    return "".join(c if c in keep or is_plain(c) else c.encode("unicode_escape").decode("ascii") for c in text)


def is_plain(text: str) -> bool:
    """Whether a text has no control characters, no separators of lines but spaces, and none that reorder others."""
    return text.isprintable() or not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in REORDERING for c in text)


def say(*values: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Print, as the zoo does all the time: control characters, but for ends of lines, come out as their escapes."""
    print(*(plain(value, keep="\n") for value in values), file=file, flush=flush)


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a table whose columns stand under each other."""
    table = [[plain(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (zip(row, widths, strict=True) for row in table)
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in lines)


def as_text(value: float) -> str:
    """Return a number with four decimals; a smaller one with its power of ten, so that it is not taken for 0."""
    return f"{value:.1e}" if 0 < abs(value) < 0.0005 else f"{value:.4f}"
