"""Series of runs whose processes are killed, stopped, or several."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import ON_UNIX, PATIENCE
from running import DIGITS_ON_CPU, LAST, weights

pytestmark = ON_UNIX

SWEEP = (
    *("sweep", "mlp", *DIGITS_ON_CPU, "--trainer.max_epochs", "6", "--checkpoint_every", "7", "--baselines", "false"),
    *("--model.optimizer", "Adam", "--model.lr", "0.001,0.01", "--seeds", "0..1"),
)
SEARCH = (
    *SWEEP[: SWEEP.index("--model.lr")],
    *("--model.lr", "1e-4..0.1:log", "--model.hidden_dim", "5..60", "--search", "optuna", "--trials", "7"),
)
TABLE = re.compile("^lr .*?(?=^figure)", re.MULTILINE | re.DOTALL)
"""What is printed at the end."""


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


def check_survives(folder: Path, alone: Path, words: tuple[str, ...], kills: int, chance: random.Random) -> list[int]:
    """Kill a sweep at random moments, and check that it ends as one that was left alone.

    A moment counts from the first new file of a run, so that the start-up of the process is not all that is killed.

    Returns:
        The number of runs that had ended, at each kill.
    """
    runs = len(list(series_in(alone).glob("*/results.json")))
    ended: list[int] = []
    while len(ended) < kills:
        process = start(folder, *words)
        before = count_files(folder)
        wait_for(lambda running=process, files=before: running.poll() is not None or count_files(folder) > files)
        time.sleep(chance.uniform(0, 0.6 * runs / kills))
        with contextlib.suppress(ProcessLookupError):  # on a fast machine it may have ended
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        ended.append(len(list(folder.glob("runs/*/*/*/results.json"))))
    assert (alone / "printed").read_text(encoding="utf-8") in finish(start(folder, *words))
    check_equal(folder, alone)
    return ended


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def count_files(folder: Path) -> int:
    return len(list(folder.glob("runs/*/*/*/checkpoints/*.ckpt")))


def leave_alone(folder: Path, words: tuple[str, ...]) -> Path:
    """Let a sweep end in a folder, and keep its table there."""
    found = TABLE.search(finish(start(folder, *words)))
    assert found
    (folder / "printed").write_text(found[0], encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a sweep that was left alone."""
    return leave_alone(tmp_path_factory.mktemp("alone"), SWEEP)


def test_a_killed_sweep_ends_with_the_table_of_one_that_was_left_alone(alone: Path, tmp_path: Path) -> None:
    check_survives(tmp_path, alone, SWEEP, kills=2, chance=random.Random(0))


def test_a_killed_search_ends_with_the_table_of_one_that_was_left_alone(tmp_path: Path) -> None:
    alone = leave_alone(tmp_path / "alone", SEARCH)
    summary, _ = outcome(alone)
    assert any("pruned" in combination["runs"][0] for combination in summary["combinations"])
    check_survives(tmp_path / "killed", alone, SEARCH, kills=2, chance=random.Random(1))


def test_the_jobs_of_a_search_are_told_in_order_also_after_ctrl_c(tmp_path: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ZOO_WORKER", "1")  # all by itself, two at a time
        alone = leave_alone(tmp_path / "alone", (*SEARCH, "--jobs", "2"))
    stopped = tmp_path / "stopped"
    process = start(stopped, *SEARCH, "--jobs", "2")
    wait_for(lambda: len(list(stopped.glob("runs/*/*/*/results.json"))) > 2)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130, errors
    assert "--search optuna --trials 7" in out
    finish(start(stopped, *SEARCH, "--jobs", "2"))
    check_equal(stopped, alone)


def test_two_processes_share_the_work(alone: Path, tmp_path: Path) -> None:
    both = [start(tmp_path, *SWEEP) for _ in range(2)]
    outs = [finish(process) for process in both]
    trained = [[line.split()[0] for line in out.splitlines() if line.endswith(" of 4)")] for out in outs]
    assert all(trained)
    assert sorted({*trained[0], *trained[1]}) == ["1-seed-0", "1-seed-1", "2-seed-0", "2-seed-1"]
    assert any("the best:" in out for out in outs)
    check_equal(tmp_path, alone)


def test_jobs_end_with_the_same_table_also_after_ctrl_c(alone: Path, tmp_path: Path) -> None:
    process = start(tmp_path, *SWEEP, "--jobs", "2")
    wait_for(lambda: count_files(tmp_path) > 0)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in errors
    assert "go on       python -m zoo sweep --model mlp" in out
    assert not any(map(alive, processes_of(tmp_path)))
    out = finish(start(tmp_path, *SWEEP, "--jobs", "2"))
    assert "the best:" in out
    check_equal(tmp_path, alone)


def processes_of(folder: Path) -> list[int]:
    """Return the processes that have written the runs of the only series in a folder."""
    locks = [path.read_text(encoding="utf-8") for path in series_in(folder).glob("*/.lock")]
    return [int(lock.split()[1]) for lock in locks if lock]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_processes_of_jobs_stop_with_the_first_one(tmp_path: Path) -> None:
    process = start(tmp_path, *SWEEP[:-2], "--jobs", "2", "--trainer.max_epochs", "2000")
    wait_for(lambda: len(list(tmp_path.glob("runs/*/1/*/checkpoints/last.ckpt"))) == 2)
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert len(processes_of(tmp_path)) == 2
    wait_for(lambda: not any(map(alive, processes_of(tmp_path))))
