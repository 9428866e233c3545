"""Signals during the training, which ask a run to stop."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from zoo.launch.signals import PREEMPTION, may_be_preempted, received


class StopSignals:
    """Catches SIGINT, SIGTERM and, in a SLURM job, SIGUSR1. A second signal has its usual effect.

    Attributes:
        received: The number of the signal, 0 if none was received.
    """

    def __init__(self) -> None:
        self.received = 0
        self._previous: dict[int, Any] = {}

    def catch(self) -> None:
        """Catch the signals from now on. The preemption signal may have arrived before.

        In a thread other than the main one there is nothing to catch: Python handles signals in the main thread alone.
        """
        self.received = received()
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM, *([PREEMPTION] if may_be_preempted() else [])):
            self._previous[number] = signal.signal(number, self._handle)

    def release(self) -> None:
        """Restore the previous handlers."""
        while self._previous:
            signal.signal(*self._previous.popitem())

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.received = number
        self.release()
