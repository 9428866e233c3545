"""Tables on the screen, and numbers in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zoo.support.console import escape_control


def format_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of text as a table whose columns stand under each other."""
    table = [[escape_control(cell) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = (zip(row, widths, strict=True) for row in table)
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in lines)


def format_number(value: float) -> str:
    """Return a number with four decimals; a smaller one with its power of ten, so that it is not taken for 0."""
    return f"{value:.1e}" if 0 < abs(value) < 0.0005 else f"{value:.4f}"


def sort_metrics(names: Iterable[str]) -> list[str]:
    """Return names such as ``val/acc`` as they are read: train, val, test, and of each the loss first."""
    splits = ["train", "val", "test"]

    def place(name: str) -> tuple[int, bool, str]:
        split, _, metric = name.rpartition("/")
        return splits.index(split) if split in splits else len(splits), metric != "loss", metric

    return sorted(names, key=place)
