"""When the epochs of a fit end, and other things that the benchmarks share."""

from __future__ import annotations

import io
import statistics
import time
from collections.abc import Sequence
from typing import Any

from lightning.pytorch import Callback

ends: list[float] = []


class EpochTimes(Callback):
    """Notes when each epoch ends, its validation included."""

    def on_train_epoch_end(self, *_: Any) -> None:
        """Note the time."""
        ends.append(time.perf_counter())


def seconds_an_epoch(times: Sequence[float]) -> float:
    """Return the seconds of an epoch, without the first, in which things are compiled and cached."""
    return (times[-1] - times[0]) / (len(times) - 1)


class Terminal(io.StringIO):
    """A fake terminal, on which a progress bar draws as on a real one."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def print_ratios(measured: dict[str, list[float]], baseline: str, unit: str = "s") -> dict[str, float]:
    """Print what was measured, and the ratios to the baseline, round by round. Return the medians of those.

    Args:
        measured: The times, or sizes, of each round, by what was measured.
        baseline: What the others are compared with.
        unit: Their unit.
    """
    width, digits = max(map(len, measured)), 3 if unit == "s" else 0
    print(f"{'':{width}}  {'median':>10}{'least':>10}    {'ratio':>6}{'least':>7}{'most':>7}")
    medians = {}
    for label, values in measured.items():
        ratios = [b / a for a, b in zip(measured[baseline], values, strict=True)]
        medians[label] = statistics.median(ratios)
        times = "".join(f"{f'{value:.{digits}f} {unit}':>10}" for value in (statistics.median(values), min(values)))
        print(f"{label:{width}}  {times}    {medians[label]:6.2f}{min(ratios):7.2f}{max(ratios):7.2f}", flush=True)
    return medians
