"""The zoo's exception for errors that the user can fix."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(ValueError):
    """Invalid input. The message says, in one line, what is wrong, what was expected and what to do.

    The command line prints the message and exits with code 2. Any other exception is a bug and keeps its traceback.
    """


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'slp'?"`` for the name in ``known`` closest to ``word``, or ``""`` if none is close."""
    names = list(known)
    lower = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f"; did you mean {lower[near[0]]!r}?" if near else ""
