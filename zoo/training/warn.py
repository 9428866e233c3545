"""Warnings to the user, printed on the first rank only."""

from __future__ import annotations

import sys

from lightning.pytorch.utilities import rank_zero_only

from zoo.support.console import echo


@rank_zero_only
def warn(*lines: str) -> None:
    """Print a warning between two bars, so that it is not overlooked."""
    bar = "!" * 100
    echo("\n".join([bar, *(f"WARNING: {line}" for line in lines), bar]), file=sys.stderr, flush=True)
