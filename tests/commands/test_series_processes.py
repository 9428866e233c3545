"""Series of runs whose processes are killed, stopped, or several."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ON_UNIX, PATIENCE
from running import DIGITS_ON_CPU, LAST, weights

pytestmark = ON_UNIX

SWEEP = (
    *("sweep", "mlp", *DIGITS_ON_CPU, "--trainer.max_epochs", "6", "--checkpoint_every", "7", "--baselines", "false"),
    *("--model.optimizer", "Adam", "--model.lr", "0.001,0.01"),
)


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    return subprocess.Popen(
        [sys.executable, "-m", "zoo", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors
    return out


def series_in(folder: Path) -> Path:
    (base,) = (folder / "runs").iterdir()
    (series,) = (path for path in base.iterdir() if path.is_dir())
    return series


def outcome(folder: Path) -> tuple[dict[str, Any], dict[str, dict[str, torch.Tensor]]]:
    """Return the summary of the only series in a folder without times, and the weights of its runs."""
    series = series_in(folder)
    summary = json.loads((series / "summary.json").read_text(encoding="utf-8"))
    runs = [run for combination in summary["combinations"] for run in combination["runs"]]
    for run in runs:
        del run["seconds"]
    return summary, {run["run"]: weights(series / run["run"] / LAST) for run in runs}


def check_equal(folder: Path, other: Path) -> None:
    (summary, parameters), (other_summary, other_parameters) = outcome(folder), outcome(other)
    assert summary == other_summary
    for name, state in parameters.items():
        assert all(torch.equal(value, other_parameters[name][key]) for key, value in state.items()), name


def check_survives(folder: Path, words: tuple[str, ...], kills: int, chance: random.Random) -> list[int]:
    """Kill a sweep at random moments, and check that it ends as one that was left alone. Return when it was killed.

    A moment counts from the first new file of a run, so that the start-up of the process is not all that is killed.
    """
    finish(start(folder / "left alone", *words))
    runs = len(list(series_in(folder / "left alone").glob("*/results.json")))
    ended = []
    while len(ended) < kills:
        process = start(folder / "killed", *words)
        before = count_files(folder / "killed")
        deadline = time.monotonic() + PATIENCE
        while process.poll() is None and count_files(folder / "killed") == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.6 * runs / kills))
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        ended.append(len(list(folder.glob("killed/runs/*/*/*/results.json"))))
    table = finish(start(folder / "killed", *words)).partition("val/acc")[2]
    assert table == finish(start(folder / "left alone", *words)).partition("val/acc")[2]
    check_equal(folder / "killed", folder / "left alone")
    return ended


def count_files(folder: Path) -> int:
    return len(list(folder.glob("runs/*/*/*/checkpoints/*.ckpt")))


def test_a_killed_sweep_ends_with_the_table_of_one_that_was_left_alone(tmp_path: Path) -> None:
    check_survives(tmp_path, (*SWEEP, "--seeds", "0..1"), kills=2, chance=random.Random(0))


def test_two_processes_share_the_work(tmp_path: Path) -> None:
    words = (*SWEEP, "--seeds", "0..1")
    finish(start(tmp_path / "alone", *words))
    both = [start(tmp_path / "shared", *words) for _ in range(2)]
    outs = [finish(process) for process in both]
    trained = [[line.split()[0] for line in out.splitlines() if line.endswith(" of 4)")] for out in outs]
    assert all(trained)
    assert sorted({*trained[0], *trained[1]}) == ["1-seed-0", "1-seed-1", "2-seed-0", "2-seed-1"]
    assert any("the best:" in out for out in outs)
    check_equal(tmp_path / "shared", tmp_path / "alone")


def test_jobs_end_with_the_same_table_also_after_ctrl_c(tmp_path: Path) -> None:
    words = (*SWEEP, "--seeds", "0..1")
    finish(start(tmp_path / "alone", *words))
    process = start(tmp_path / "jobs", *words, "--jobs", "2")
    deadline = time.monotonic() + PATIENCE
    while not count_files(tmp_path / "jobs") and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert f"go on       python -m zoo {' '.join(words[:1])} --model mlp" in out
    for folder in series_in(tmp_path / "jobs").iterdir():
        if folder.is_dir():
            lock = (folder / ".lock").read_text(encoding="utf-8")
            assert not alive(int(lock.split()[1]))
    out = finish(start(tmp_path / "jobs", *words, "--jobs", "2"))
    assert "the best:" in out
    assert not list(tmp_path.glob("jobs/runs/*/2"))
    check_equal(tmp_path / "jobs", tmp_path / "alone")


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_processes_of_jobs_stop_with_the_first_one(number: int, tmp_path: Path) -> None:
    process = start(tmp_path, *SWEEP, "--jobs", "2", "--trainer.max_epochs", "2000")
    deadline = time.monotonic() + PATIENCE
    while count_files(tmp_path) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(number)
    process.communicate(timeout=PATIENCE)
    locks = [path.read_text(encoding="utf-8") for path in series_in(tmp_path).glob("*/.lock")]
    assert len(locks) == 2
    while any(alive(int(lock.split()[1])) for lock in locks):
        assert time.monotonic() < deadline
        time.sleep(0.05)
