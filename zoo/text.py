"""Tables on the screen."""

from __future__ import annotations

from collections.abc import Sequence


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a table whose columns stand under each other."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in (header, *rows))
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in lines)
