"""``zoo compare``: show some runs side by side."""

from __future__ import annotations

from zoo.commands.request import Request
from zoo.reports.comparison import compare
from zoo.support.files import parse_path


def run(request: Request) -> int:
    """Print the table, draw the figure, and return the exit code."""
    compare(request.arguments("run folders"), parse_path(request.out or "compare.png", "--out"))
    return 0
