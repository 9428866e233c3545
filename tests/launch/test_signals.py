"""Signals end a run with a checkpoint to go on from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import ON_LINUX, ON_UNIX, PATIENCE, REPOSITORY, Command
from running import LAST, load

pytestmark = ON_UNIX


def started(*words: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "zoo", "fit", "slp", "--data", "digits", "--trainer.max_epochs", "100000", *words]
    running = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + PATIENCE
    while not (cwd / "runs/slp-digits/1/metrics.csv").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return running


def test_sigterm_saves_and_exits_with_143(tmp_path: Path) -> None:
    running = started(cwd=tmp_path)
    running.send_signal(signal.SIGTERM)
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 143, err
    assert "Interrupted in epoch" in out
    assert load(tmp_path / "runs/slp-digits/1" / LAST)["global_step"] > 0


@ON_LINUX
@pytest.mark.parametrize("which", [0, 1])
def test_sigterm_to_one_of_two_ends_both(which: int, tmp_path: Path) -> None:
    running = started(
        "--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp", cwd=tmp_path
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text(encoding="utf-8").split()
    ranks = [running.pid, *(int(child) for child in children if b"zoo" in Path(f"/proc/{child}/cmdline").read_bytes())]
    assert len(ranks) == 2
    os.kill(ranks[which], signal.SIGTERM)
    told = time.monotonic()
    out, err = running.communicate(timeout=PATIENCE)
    assert time.monotonic() - told < 10
    assert running.returncode != 0, err
    assert out.count("Interrupted in epoch") == 1
    assert "Traceback" not in err
    assert load(tmp_path / "runs/slp-digits/1" / LAST)["global_step"] > 0
    status = Path(f"/proc/{ranks[1]}/status")
    assert not status.exists() or "State:\tZ" in status.read_text(
        encoding="utf-8"
    )  # it is dead, if perhaps not yet buried


TWO = ("--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp")


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, str(REPOSITORY / "scripts" / "fit.py"), *words]
    return subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@pytest.mark.parametrize("processes", [(), TWO], ids=["one", "two"])
def test_ctrl_c_ends_with_a_report_and_a_checkpoint_to_go_on_from(
    processes: tuple[str, ...], tmp_path: Path, zoo_process: Command
) -> None:
    running = start("--model", "slp", "--data", "digits", "--trainer.max_epochs", "100000", *processes, cwd=tmp_path)
    metrics = tmp_path / "runs" / "slp-digits" / "1" / "metrics.csv"
    deadline = time.monotonic() + PATIENCE
    while not metrics.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to every process
    out, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130, err
    assert out.count("Interrupted in epoch") == 1
    assert "Traceback" not in err
    last = "runs/slp-digits/1/checkpoints/last.ckpt"
    assert last in out
    (again,) = [line.removeprefix("resume").strip() for line in out.splitlines() if line.startswith("resume ")]
    assert again.endswith(f"--config runs/slp-digits/1/config.yaml --ckpt_path {last}")
    epoch = torch.load(last, weights_only=True)["epoch"]
    words = again.split()[again.split().index("--config") :]
    done = zoo_process("fit", *words, "--trainer.max_epochs", str(epoch + 2))
    assert done.code == 0, done.err


@ON_LINUX
def test_ctrl_c_before_the_training_leaves_quietly(tmp_path: Path) -> None:
    running = start("--model", "slp", "--data", "digits", cwd=tmp_path)
    deadline = time.monotonic() + PATIENCE
    while "torch" not in Path(f"/proc/{running.pid}/maps").read_text(encoding="utf-8") and time.monotonic() < deadline:
        time.sleep(0.01)  # until it is in the imports
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in err
