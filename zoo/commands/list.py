"""``zoo list``: show the networks and the data sets."""

from __future__ import annotations

from zoo.commands.help import networks_and_data
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.registry import list_models
from zoo.support.console import echo


def run(request: Request) -> int:
    """Print the networks and the data sets, or the networks' names alone, and return the exit code."""
    if request.words not in ([], ["--names"]):
        raise ZooError(f"zoo list takes --names or nothing, got {' '.join(request.words)}")
    echo("\n".join(list_models()) if request.words else networks_and_data())
    return 0
