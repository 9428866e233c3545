"""The signals that end a run: Ctrl-C, and the one by which SLURM asks a job to make room."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from zoo.launch.launchers import in_slurm

REQUEUE = 75
"""Exit code (EX_TEMPFAIL) of a run that made room and is to be started again."""

PREEMPTION = signal.SIGUSR1
"""The signal by which a SLURM job is told that its time is running out; see scripts/slurm/fit.sbatch."""

_received = 0


def listen() -> None:
    """From now on, note the preemption signal in a SLURM job; by default it would end the process."""
    if in_slurm():
        signal.signal(PREEMPTION, _note)


def received() -> int:
    """Return the number of the preemption signal if it has arrived, else 0."""
    return _received


@contextlib.contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """Let Ctrl-C end the process, with exit code 130, while packages are imported: some turn it into another error."""
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
