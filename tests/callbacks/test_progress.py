"""What is shown of a run while it trains."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
import sys
from pathlib import Path

from conftest import ON_UNIX, Command
from running import DIGITS, ONE_EPOCH


def test_a_long_run_leaves_some_thirty_lines(zoo_command: Command) -> None:
    done = zoo_command("fit", "xor", "--trainer.max_epochs", 1500)
    lines = [line for line in done.out.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 30
    assert all("; val loss" in line and len(line) <= 80 for line in lines)


@ON_UNIX
def test_on_a_terminal_of_80_columns_each_epoch_leaves_a_line(tmp_path: Path) -> None:
    import fcntl
    import termios

    command = [sys.executable, "-m", "zoo", "fit", "slp", *DIGITS, *ONE_EPOCH[2:], "--trainer.max_epochs", "3"]
    read, write = os.openpty()
    fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdout=write, stderr=write, cwd=tmp_path) as running:
        os.close(write)
        written = b""
        with contextlib.suppress(OSError):  # at its end a terminal gives no end of file, but an error
            while chunk := os.read(read, 4096):
                written += chunk
    os.close(read)
    assert running.returncode == 0
    # What a terminal shows of a line is what was written over it last.
    shown = [line.rstrip("\r").rpartition("\r")[2] for line in written.decode().split("\n")]
    assert [line[:23] for line in shown if line.startswith("epoch ")] == [
        f"epoch {n}/3: train loss 0" for n in (1, 2, 3)
    ]
    bars = [part for line in written.decode().split("\n") for part in line.split("\r") if "it/s" in part]
    assert any("val/loss=0" in bar for bar in bars)
    assert max(map(len, bars)) <= 84  # with the control characters of a second bar
