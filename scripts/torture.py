"""Kill runs at random, resume them, and compare them bit for bit with uninterrupted runs.

    python scripts/torture.py                        200 kills over all cases, about an hour on two cores
    python scripts/torture.py --kills 4 ffnn lstm    four kills each of these

A run is killed by SIGKILL, with all its processes, at random moments: in its start-up, in its epochs and validations,
and while a checkpoint is being written; it is resumed by `--ckpt_path last`, up to three times, and then left to end.
Its weights, optimizer, schedule, metrics.csv and results.json must be those of the undisturbed run, times and folders
apart.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from made_data import write_faces, write_reviews

FIT = ("--data", "digits", "--trainer.max_epochs", "8", "--checkpoint_every", "7", "--seed", "3")
TWO = ("--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp")
PLATEAU = ("--model.lr_scheduler", "ReduceLROnPlateau", "--model.lr_scheduler_args", "{patience: 0, threshold: 0.3}")
FACES = ("--data", "celeba", "--data.image_size", "32", "--data.val_size", "40", "--data.num_workers", "2")

REVIEWS = ("--data", "imdb", "--data.val_size", "40", "--data.min_frequency", "1", *FIT[2:])
ONE_CYCLE = ("--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 1, total_steps: 160}")
OTHERS = ("LearningRateMonitor", "Timer", "LambdaCallback", "ModelSummary", "TQDMProgressBar")
SAVING = ("--trainer.callbacks+=ModelCheckpoint", "--trainer.callbacks.enable_version_counter", "false")
PREDICTIONS = ("--trainer.callbacks+=BasePredictionWriter", "--trainer.callbacks.write_interval", "epoch")
ON_EXCEPTION = ("--trainer.callbacks+=OnExceptionCheckpoint", "--trainer.callbacks.dirpath", ".")
STOPPING = ("--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor", "train/loss")

CASES: dict[str, tuple[str, ...]] = {
    "ffnn": ("ffnn", *FIT, "--trainer.val_check_interval", "9"),
    "lstm": ("lstm", *FIT, "--model.num_layers", "2", "--model.dropout", "0.3"),
    "bilstm": ("bilstm_sentiment", *REVIEWS, "--model.lr_scheduler_args", "{T_max: 8}"),
    "workers": ("cifar_cnn", *FACES, *FIT[2:], "--data.augment", "true", "--model.loss", "bce"),
    "accumulation": ("slp", *FIT, "--trainer.accumulate_grad_batches", "3", "--data.augment", "true"),
    "patience": ("mlp", *FIT, "--model.lr", "5", "--patience", "1"),
    "plateau": ("mlp", *FIT, "--model.optimizer", "Adam", "--model.lr", "0.01", *PLATEAU),
    "onecycle": ("mlp", *FIT, *ONE_CYCLE),
    "warmup": ("mlp", *FIT, "--model.lr_scheduler", "CosineAnnealingLR", "--model.warmup_steps", "120"),
    "lbfgs": ("mlp", *FIT, "--model.optimizer", "LBFGS", "--model.lr", "0.1"),
    "interval": (
        "ffnn",
        *FIT,
        "--trainer.val_check_interval",
        "0.3",
        "--model.optimizer",
        "Adam",
        "--model.lr",
        "1e-3",
    ),
    "steps": ("ffnn", *FIT, "--trainer.max_epochs", "-1", "--trainer.max_steps", "150"),
    "64-true": ("ffnn", *FIT, "--trainer.precision", "64-true", "--model.optimizer", "Adam", "--model.lr", "1e-3"),
    "bf16-mixed": ("ffnn", *FIT, "--trainer.precision", "bf16-mixed"),
    "bf16-true": ("ffnn", *FIT, "--trainer.precision", "bf16-true"),
    "16-true": ("slp", *FIT, "--trainer.precision", "16-true"),
    "averaging": ("ffnn", *FIT, "--trainer.callbacks+=WeightAveraging"),
    "ema": ("ffnn", *FIT, "--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay", "0.9"),
    "growing": (
        *("slp", *FIT, "--trainer.callbacks+=GradientAccumulationScheduler"),
        *("--trainer.callbacks.scheduling", "{0: 2, 3: 3}"),
    ),
    "callbacks": (
        *("mlp", *FIT, *(f"--trainer.callbacks+={name}" for name in OTHERS)),
        *(*PREDICTIONS, *ON_EXCEPTION, *STOPPING, *SAVING),
    ),
    "ddp": ("ffnn", *FIT, *TWO),
}
"""Options of `zoo fit` by name."""

SHORTER = {"steps": ("--trainer.max_steps", "70")}
"""Options of a shorter run with which a case begins; the resumed run has the length of the case."""

MOST_KILLS = 3
"""Of one run."""

PARTS = ("state_dict", "optimizer_states", "lr_schedulers", "epoch", "global_step")


@dataclass
class Trial:
    """A run that was killed, and its outcome.

    Attributes:
        kills: How often it was killed.
        resumed: How often it resumed from a checkpoint; otherwise it started again.
        differences: What differs from the undisturbed run.
    """

    kills: int = 0
    resumed: int = 0
    differences: list[str] = field(default_factory=list)


def start(case: str, folder: Path, data: Path, *options: str) -> subprocess.Popen[str]:
    """Start the run of a case in a folder, with further options."""
    other = next((path for path in ("/dev/shm", "/tmp") if os.path.isdir(path)), None)  # another file system, if any
    environment = {**os.environ, "ZOO_DATA": str(data), "OMP_NUM_THREADS": "1", "TMPDIR": other or ""}
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", "fit", *CASES[case], *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a run to end, and return its error, or an empty text."""
    _, errors = process.communicate(timeout=300)
    return "" if process.returncode == 0 else f"exit {process.returncode}: {errors[-300:]}"


def newest(folder: Path) -> int:
    """Return when the newest checkpoint in a folder was written, in nanoseconds; 0 if there is none."""
    return max((path.stat().st_mtime_ns for path in folder.glob("runs/*/*/checkpoints/last.ckpt")), default=0)


def kill(process: subprocess.Popen[str], folder: Path, seconds: float, early: bool, while_writing: bool) -> bool:
    """Kill a run with all its processes; return False if it ended before.

    Args:
        process: The first of its processes.
        folder: Where it runs.
        seconds: After so many.
        early: Since its start, rather than since its first checkpoint: on a busy machine that may take long.
        while_writing: Whether to wait until it writes a checkpoint after that, 5 s at most.
    """
    before = newest(folder)
    deadline = time.monotonic() + seconds if early else math.inf
    while process.poll() is None:
        if deadline == math.inf and newest(folder) > before:
            deadline = time.monotonic() + seconds
        writing = while_writing and any(folder.glob("runs/*/*/checkpoints/.*writing*"))
        if time.monotonic() > deadline + (5 if while_writing else 0) or (writing and time.monotonic() > deadline):
            break
        time.sleep(0.0005 if while_writing else 0.01)
    ended = process.poll() is not None
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return not ended


def outcome(folder: Path) -> dict[str, Any]:
    """Return everything of the newest run in a folder that must be equal."""
    (base,) = (folder / "runs").iterdir()
    run = max(base.iterdir(), key=lambda path: int(path.name))
    found: dict[str, Any] = {"metrics.csv": (run / "metrics.csv").read_text(encoding="utf-8")}
    for name in sorted(path.name for path in (run / "checkpoints").iterdir()):
        checkpoint = torch.load(run / "checkpoints" / name, weights_only=True)
        found |= {f"{name}: {part}": checkpoint[part] for part in PARTS}
    results = json.loads((run / "results.json").read_text(encoding="utf-8"))
    checkpoint = Path(results.pop("checkpoint")).name
    told = results.pop("command").removesuffix(" --ckpt_path last")
    del results["seconds"]
    return {**found, "results.json": {**results, "checkpoint": checkpoint, "command": told}}


def equal(a: Any, b: Any) -> bool:
    """Return whether two values are equal, bit for bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    return bool(a == b)


def trial(
    case: str, kills: int, chance: random.Random, seconds: tuple[float, float], data: Path, expected: dict[str, Any]
) -> Trial:
    """Kill a run so many times, let it end, and compare.

    Args:
        case: The case.
        kills: How often to kill it.
        chance: Decides when.
        seconds: How long a run takes to its first checkpoint, and all in all.
        data: The data root.
        expected: What the undisturbed run came to.
    """
    done = Trial()
    startup, whole = seconds
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        options = SHORTER.get(case, ())
        while done.kills < kills:
            early = chance.random() < 0.15
            wait = chance.uniform(0, startup if early else whole - startup)
            process = start(case, folder, data, *options)
            killed = kill(process, folder, wait, early, while_writing=chance.random() < 0.4)
            go_on = any(folder.glob("runs/*/*/checkpoints/last.ckpt"))
            options = ("--ckpt_path", "last") if go_on else SHORTER.get(case, ())
            if not killed:
                break  # it had ended before
            done.kills += 1
            done.resumed += go_on
        if problem := finish(start(case, folder, data, *(options if go_on else ()))):
            done.differences.append(problem)
            return done
        found = outcome(folder)
        done.differences += [key for key in expected if not equal(expected[key], found.get(key))]
        done.differences += sorted(found.keys() - expected.keys())
    return done


def torture(cases: Sequence[str], kills: int, seed: int) -> bool:
    """Kill runs of each case, print the table, and return whether there was no difference."""
    print("| case | kills | resumed from a checkpoint | began again | runs | differences |\n|---|---|---|---|---|---|")
    total, all_equal = 0, True
    with tempfile.TemporaryDirectory() as temporary:
        data = Path(temporary)
        write_faces(data)
        write_reviews(data)
        for case in cases:
            with tempfile.TemporaryDirectory() as folder:
                began = time.monotonic()
                process = start(case, Path(folder), data)
                while process.poll() is None and not any(Path(folder).glob("runs/*/*/checkpoints/*.ckpt")):
                    time.sleep(0.02)
                startup = time.monotonic() - began
                if problem := finish(process):
                    sys.exit(f"{case} does not run: {problem}")
                seconds = (startup, time.monotonic() - began)
                expected = outcome(Path(folder))
            trials: list[Trial] = []
            with ThreadPoolExecutor(1 if case == "ddp" else 2) as pool:
                while (missing := kills - sum(t.kills for t in trials)) > 0:  # some end before they can be killed
                    counts = [min(MOST_KILLS, missing - before) for before in range(0, missing, MOST_KILLS)]
                    futures = [
                        pool.submit(trial, case, count, random.Random(f"{seed} {case} {n}"), seconds, data, expected)
                        for n, count in enumerate(counts, start=len(trials))
                    ]
                    trials += [future.result() for future in futures]
            done, resumed = sum(t.kills for t in trials), sum(t.resumed for t in trials)
            differences = [d for t in trials for d in t.differences]
            total, all_equal = total + done, all_equal and not differences
            told = "; ".join(dict.fromkeys(differences)) or "0"
            print(f"| {case} | {done} | {resumed} | {done - resumed} | {len(trials)} | {told} |", flush=True)
    print(f"\n{total} kills, {'no difference' if all_equal else 'DIFFERENCES'}")
    return all_equal


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--kills", type=int, default=10, help="of each case")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    arguments = parser.parse_args()
    sys.exit(0 if torture(arguments.cases or list(CASES), arguments.kills, arguments.seed) else 1)
