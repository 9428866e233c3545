"""Measure two processes of one thread each against one, with the same batch.

python scripts/benchmark/scaling.py
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path


def seconds_of_ranks(name: str, data: str, ranks: int, epochs: int) -> float:
    """Return the seconds of a fit by processes of one thread each, including their start."""
    command = [sys.executable, "-m", "zoo", "fit", name, "--data", data, "--data.val_size", "0"]
    options = {"data.batch_size": 512, "trainer.accelerator": "cpu", "trainer.enable_model_summary": "false"}
    options |= {"trainer.max_epochs": epochs, "trainer.devices": ranks}
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [*command, *(f"--{option}={value}" for option, value in options.items()), "--out", out],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        (results,) = Path(out).glob("*/1/results.json")
        seconds: float = json.loads(results.read_text(encoding="utf-8"))["seconds"]
    return seconds


def scaling(rounds: int) -> None:
    """Print the speedup of two processes over one, each with one thread, in the second and third epoch of a fit."""
    for name, data in {"cifar_cnn": "cifar10", "lstm": "mnist"}.items():
        ratios = []
        for _ in range(rounds):
            one, two = (
                seconds_of_ranks(name, data, ranks, epochs=3) - seconds_of_ranks(name, data, ranks, epochs=1)
                for ranks in (1, 2)
            )
            ratios.append(one / two)
            print(f"{name}: {one:.1f} s by one process, {two:.1f} s by two: {ratios[-1]:.2f}", flush=True)
        print(f"{name}: median {statistics.median(ratios):.2f} times as fast")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=2)
    scaling(parser.parse_args().rounds)
