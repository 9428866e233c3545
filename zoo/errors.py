"""The one exception of the zoo: something the user can mend, said in one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class ZooError(ValueError):
    """Bad input: says what is wrong, what was expected and what to do, in one line.

    The command line prints it and exits with code 2. Anything else that is raised is a bug and keeps its traceback.
    """


def suggestion(word: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean 'slp'?"`` for the name of ``known`` nearest to ``word``, or ``""`` when none is near."""
    names = list(known)
    lower = {name.lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(word.lower(), lower, n=1, cutoff=0.6)
    return f"; did you mean {lower[near[0]]!r}?" if near else ""
