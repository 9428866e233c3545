"""Commands as processes of their own, and in other programs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from conftest import PATIENCE, REPOSITORY

HOST = """
import atexit, runpy, sys
atexit.register(print, "cleaned up")
sys.argv = ["fit.py", "--model", "slpp"]
try:
    runpy.run_path({script!r}, run_name="__main__")
except SystemExit as end:
    print("ended with", end.code)
sys.exit(3)
"""

LATE = """
import atexit, sys, threading, time
from concurrent.futures import ThreadPoolExecutor
atexit.register(print, "cleaned up")
pool = ThreadPoolExecutor()
pool.submit(print).result()
threading.Thread(target=lambda: (time.sleep(0.5), print("done"))).start()
from zoo.commands.cli import process
process(["list"])
"""


def run(code: str, cwd: Path) -> tuple[int, list[str]]:
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    return done.returncode, done.stdout.splitlines()


def test_a_script_that_another_program_runs_does_not_end_it(tmp_path: Path) -> None:
    code, lines = run(HOST.format(script=str(REPOSITORY / "scripts" / "fit.py")), tmp_path)
    assert lines == ["ended with 2", "cleaned up"]
    assert code == 3


def test_a_process_waits_for_threads_and_cleans_up(tmp_path: Path) -> None:
    code, lines = run(LATE, tmp_path)
    assert lines[1].startswith("network")
    assert lines[-2:] == ["done", "cleaned up"]
    assert code == 0
