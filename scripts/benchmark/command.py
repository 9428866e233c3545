"""Measure whole commands: from their start to the end of the process.

    python scripts/benchmark/command.py run        ten epochs of slp, figures included, against the document's program
    python scripts/benchmark/command.py busy       the same beside two processes that compute all the time
    python scripts/benchmark/command.py startup    the time to an answer, and to the first training step

``run`` and ``busy`` measure the time on the clock, and the largest memory of the process; ``startup`` processor time.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from times import print_ratios

from zoo.datamodules.common.files import data_root

IMPORTS = """
import os, torch, lightning.pytorch
os._exit(0)
"""

NETWORK = """
import os
from zoo.models import SLP
os._exit(0)
"""

FIRST_STEP = """
import os, sys
from zoo.internals.deferred import import_lightning
import_lightning()  # as the command itself does
from zoo.tasks import Task
from zoo.commands.cli import main
Task.on_train_batch_end = lambda *_: os._exit(0)  # the first step is done
main(["fit", "slp", "--out", sys.argv[1]])
"""


def measured(command: list[str], **environment: str) -> tuple[float, float, float]:
    """Run a command, and return its time on the clock, its processor time, both in s, and its largest memory, in MB."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, **environment}
    )
    _, _, used = os.wait4(process.pid, 0)
    process.returncode = 0
    unit = 1e6 if sys.platform == "darwin" else 1e3  # bytes there, kilobytes elsewhere
    return time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / unit


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Run processes that compute all the time."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def run(rounds: int, busy: int) -> None:
    """Print times and memory of the zoo's command and of the document's program."""
    zoo = [sys.executable, "-m", "zoo", "fit", "slp", "--data", "mnist", "--data.val_size", "0"]
    document = [sys.executable, str(Path(__file__).with_name("document.py")), str(data_root(None))]
    seconds: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    one_thread = {"OMP_NUM_THREADS": "1"} if busy else {}
    with tempfile.TemporaryDirectory() as out, neighbours(busy):
        commands = {
            "document": ([*document, out], one_thread),
            "zoo": ([*zoo, "--baselines", "false", "--out", out], {}),
            "zoo with baselines": ([*zoo, "--out", out], {}),
        }
        for number in range(rounds + 1):
            for label, (command, environment) in commands.items():
                clock, _, most = measured(command, **environment)
                if number:  # the first round warms up
                    seconds.setdefault(label, []).append(clock)
                    memory.setdefault(label, []).append(most)
    print(f"ten epochs of slp on MNIST with figures, {rounds} rounds" + f", beside {busy} busy processes" * bool(busy))
    print_ratios(seconds, "document")
    if not busy:
        print("largest memory of the process")
        print_ratios(memory, "document", unit="MB")


def startup(rounds: int) -> None:
    """Print the processor time of commands that should be instant, and until the first training step."""
    zoo = [sys.executable, "-m", "zoo"]
    answer = ["predict", "--model", "linear", "--weights", "default", "4,1"]
    commands = {
        "import zoo": [sys.executable, "-c", "import zoo"],
        "zoo --help": [*zoo, "--help"],
        "zoo list": [*zoo, "list"],
        "zoo fit slpp": [*zoo, "fit", "slpp"],
        "import torch": [sys.executable, "-c", "import torch, os; os._exit(0)"],
        "zoo predict --weights": [*zoo, *answer],
        "import torch, lightning": [sys.executable, "-c", IMPORTS],
        "from zoo.models import SLP": [sys.executable, "-c", NETWORK],
    }
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as out:
        commands["first step of zoo fit slp"] = [sys.executable, "-c", FIRST_STEP, out]
        for number in range(rounds + 1):
            for label, command in commands.items():
                taken = measured(command)[1]
                if number:  # the first round warms up
                    seconds.setdefault(label, []).append(taken)
    for label, values in seconds.items():
        print(f"{label:<26}{statistics.median(values):6.2f} s of processor time")
    compared = {
        "zoo predict --weights": "import torch",
        "from zoo.models import SLP": "import torch, lightning",
        "first step of zoo fit slp": "import torch, lightning",
    }
    for label, base in compared.items():
        ratio = statistics.median(b / a for a, b in zip(seconds[base], seconds[label], strict=True))
        print(f"{label} / {base}: {ratio:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["run", "busy", "startup"])
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if chosen.what == "startup":
        startup(chosen.rounds)
    else:
        run(chosen.rounds, busy=2 if chosen.what == "busy" else 0)
