"""``zoo sweep``: train with each combination of several values of options, and test the best."""

from __future__ import annotations

from zoo.commands.request import Request
from zoo.commands.series import run_series


def run(request: Request) -> int:
    """Train the runs of the grid, show which is best, and return the exit code."""
    return run_series(request)
