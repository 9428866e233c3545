"""The signals that end a run: Ctrl-C, and the preemption signal of SLURM."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from zoo.launch.launchers import in_slurm

REQUEUE = 75
"""Exit code (EX_TEMPFAIL) of a preempted run that should be requeued."""

PREEMPTION = int(getattr(signal, "SIGUSR1", 0))
"""The signal that SLURM sends before it preempts a job, or its time limit; see scripts/slurm/fit.sbatch.

0 on Windows, which has no such signal.
"""

_received = 0


def listen() -> None:
    """From now on, record the preemption signal in a SLURM job, instead of ending the process."""
    if may_be_preempted():
        signal.signal(PREEMPTION, _note)


def may_be_preempted() -> bool:
    """Return whether the preemption signal may arrive: in a SLURM job."""
    return PREEMPTION > 0 and in_slurm()


def received() -> int:
    """Return the number of the preemption signal if it was received, else 0."""
    return _received


@contextlib.contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Exit with code 130 on Ctrl-C while packages are imported, some of which would turn it into another error."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _exit)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _exit(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\nzoo: interrupted\n")
    os._exit(128 + number)


def _note(number: int, frame: FrameType | None) -> None:
    global _received
    _received = number
