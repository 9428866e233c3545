"""Numbers and tables on the screen."""

from __future__ import annotations

from collections.abc import Sequence


def columns(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a table whose columns stand under each other."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in (header, *rows))
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in lines)


def as_text(value: float) -> str:
    """Return a number with four decimals; a smaller one with its power of ten, so that it is not taken for 0."""
    return f"{value:.1e}" if 0 < abs(value) < 0.0005 else f"{value:.4f}"
