"""The space of ``zoo sweep --search``: options with several values, or with a range of numbers."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zoo.commands.request import Request
from zoo.errors import ZooError

_NUMBER = r"[+-]?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?"
_RANGE = re.compile(rf"({_NUMBER})\.\.({_NUMBER})(:log)?")
_WHOLE = re.compile("[+-]?[0-9]+")

DIGITS = 6
"""Significant digits of a number from a range: enough, and the commands stay short."""


@dataclass(frozen=True)
class Range:
    """A range of numbers.

    Attributes:
        low: The lowest number, as it was given.
        high: The highest number, as it was given.
        log: Whether numbers are drawn on a logarithmic scale.
    """

    low: str
    high: str
    log: bool

    @property
    def whole(self) -> bool:
        """Whether all its numbers are integers, since both ends are."""
        return all(_WHOLE.fullmatch(end) for end in (self.low, self.high))

    def text_of(self, value: float) -> str:
        """Return a number of the range as a word of a command line."""
        return str(value if self.whole else min(max(float(f"{value:.{DIGITS}g}"), float(self.low)), float(self.high)))


Space = Mapping[str, Range | Sequence[str]]
"""What the values of options are chosen from, by option."""


def check_search(request: Request) -> None:
    """Raise ZooError if a request asks for a search that does not exist, or that cannot work."""
    if request.search is None and (request.trials or request.prune):
        raise ZooError("--trials and --prune are for --search optuna")
    if request.search not in (None, "optuna"):
        raise ZooError(f"--search takes optuna, got {request.search[:40]}")
    if request.prune not in (None, "true", "false"):
        raise ZooError(f"--prune takes true or false, got {request.prune[:40]}")
    if request.search and os.environ.get("SLURM_ARRAY_TASK_COUNT", "1") != "1":
        raise ZooError(
            "a job array cannot share a search, whose runs follow from each other; use --jobs in a single job"
        )


def parse_range(option: str, text: str) -> Range | None:
    """Return the range that a text such as ``1e-4..1e-1:log`` describes, None if it is another value.

    Raises:
        ZooError: The range is empty, or has no logarithmic scale.
    """
    found = _RANGE.fullmatch(text)
    if not found:
        return None
    span = Range(found[1], found[2], log=bool(found[3]))
    if float(span.high) <= float(span.low):
        raise ZooError(f"{option} {text} ends before it begins: a range is LOW..HIGH")
    if span.log and float(span.low) <= 0:
        raise ZooError(f"{option} {text} has no logarithmic scale: a range with :log begins above 0")
    return span


def parse_space(grid: Mapping[str, Sequence[str]]) -> Space:
    """Return the space of options that have several values, or a single one, which is a range."""
    return {option: (parse_range(option, values[0]) or values) for option, values in grid.items()}


def corners(space: Space) -> list[dict[str, str]]:
    """Return combinations that have each value, and both ends of each range, at least once."""
    values = {option: [one.low, one.high] if isinstance(one, Range) else one for option, one in space.items()}
    most = max(map(len, values.values()))
    return [{option: few[min(place, len(few) - 1)] for option, few in values.items()} for place in range(most)]
