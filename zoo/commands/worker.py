"""A process of ``--jobs``: a command that stops, as by Ctrl-C, when the process that started it ends or asks it to."""

from __future__ import annotations

import _thread
import contextlib
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence

from zoo.launch.signals import REQUEUE, received
from zoo.support.console import echo

STOPPED = 130
"""Exit code of a process that has stopped because it was asked to."""


MARK = "ZOO_WORKER"
"""Environment variable of such a process."""


def is_worker() -> bool:
    """Return whether this is a process of ``--jobs``, which starts no others."""
    return MARK in os.environ


def run_side_by_side(count: int, words: Sequence[str], watch: Callable[[], None]) -> int:
    """Run a command in several processes of one thread each, until all have ended. Ctrl-C stops them cleanly.

    Args:
        count: Number of processes.
        words: How it was started, as of ``Request.program``, and the words of the command.
        watch: Called now and then.

    Returns:
        The exit code: that of the first process that fails, of which the others are stopped.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", MARK: "1"}
    with contextlib.ExitStack() as files:
        errors = [files.enter_context(tempfile.TemporaryFile()) for _ in range(count)]
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", __name__, *words],
                env=environment,
                stdin=subprocess.PIPE,  # at its end, the process stops
                stdout=subprocess.DEVNULL,
                stderr=error,
                start_new_session=True,  # else Ctrl-C would reach it too, and a second one stops it at once
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),  # the same on Windows
            )
            for error in errors
        ]
        _wait(processes, watch)
        for process, error in zip(processes, errors, strict=True):
            if process.returncode not in (0, STOPPED, REQUEUE):
                error.seek(0)
                told = error.read().decode(errors="replace").strip()
                last = told.rpartition("\n")[2]
                echo(last if last.startswith("zoo: ") else told, file=sys.stderr)
                return process.returncode if process.returncode > 0 else 128 - process.returncode
    told_to_leave = bool(received()) or any(process.returncode == REQUEUE for process in processes)
    return REQUEUE if told_to_leave else 0


def _wait(processes: Sequence[subprocess.Popen[bytes]], watch: Callable[[], None]) -> None:
    """Wait until processes have ended; until then, stop all if one fails, or if this one is asked to stop."""
    try:
        while any(process.poll() is None for process in processes):
            watch()
            if received() or any(process.poll() for process in processes):
                break
            time.sleep(0.2)
        watch()
        _stop(processes)
    except KeyboardInterrupt:
        echo("\nstopping; Ctrl-C again stops at once, without a checkpoint", file=sys.stderr)
        _stop(processes)
        raise
    finally:
        for process in processes:
            process.kill()
            process.wait()


def _stop(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Ask processes to stop, and wait until they have."""
    for process in processes:
        if process.stdin:
            process.stdin.close()
    for process in processes:
        process.wait()


def _stop_with_parent() -> None:
    """Interrupt this process when nobody holds the other end of its input any more."""
    os.read(0, 1)
    _thread.interrupt_main()


if __name__ == "__main__":
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    from zoo.commands.cli import main

    sys.exit(main(sys.argv[2:], sys.argv[1]))
