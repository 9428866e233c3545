"""``zoo results``: show the results of many runs as one table."""

from __future__ import annotations

from zoo.commands.request import Request
from zoo.reports.results_table import show


def run(request: Request) -> int:
    """Print the results and return the exit code."""
    show(request.arguments("folders"), request.csv, request.sort, request.where)
    return 0
