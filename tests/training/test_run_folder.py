"""Run folders: one writer each, and nothing left over."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from running import DIGITS_ON_CPU, LAST
from stand_ins import quiet_trainer

import zoo
from zoo.callbacks import ExactResume
from zoo.training import run_folder as runs


def test_a_run_folder_has_one_writer(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    folder = Path("runs/slp-digits/1")
    monkeypatch.setattr(runs, "LOCK_TIMEOUT", 0.1)
    code = f"""
import sys, time
from pathlib import Path
from zoo.training.run_folder import claim_folder
folder = Path({str(folder)!r})
with claim_folder(folder.parent, folder):
    print("locked", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        done = zoo_command(*words, 2, "--ckpt_path", "last")
        assert done.code == 2
        assert f"{folder} is being written by process {other.pid} on " in done.err
        assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["epochs"] == 1
        other.kill()
    assert zoo_command(*words, 2, "--ckpt_path", "last").code == 0  # the lock died with its process


def test_a_run_that_went_on_meanwhile_is_left_alone(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    path = Path("runs/slp-digits/1") / LAST
    whole = runs.claim_folder

    def written_meanwhile(*folders: Path) -> Any:
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        return whole(*folders)

    monkeypatch.setattr("zoo.commands.fit.claim_folder", written_meanwhile)
    done = zoo_command(*words, 2, "--ckpt_path", "last")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"another process wrote {Path('runs/slp-digits/1/checkpoints/last.ckpt')} just now; try again" in done.err


def test_leftovers_of_a_crash_are_swept(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    leftovers = [Path("runs/slp-digits/1", name) for name in ("checkpoints/.last.ckpt.writing-1", ".a.csv.writing-2")]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    assert zoo_command(*words, 2, "--ckpt_path", "last").code == 0
    assert not any(leftover.exists() for leftover in leftovers)


def test_exact_resume_sweeps_leftovers_of_its_own_file_alone(tmp_path: Path) -> None:
    """Two trainings may save into one folder at the same time."""
    own, other = tmp_path / ".own[1].ckpt.writing-1", tmp_path / ".other.ckpt.writing-2"
    for leftover in (own, other):
        leftover.write_bytes(b"half")
    trainer = quiet_trainer(enable_checkpointing=True, callbacks=[ExactResume(tmp_path / "own[1].ckpt")])
    trainer.fit(zoo.create_model("slp"), zoo.create_datamodule("digits"))
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name, "own[1].ckpt"]


def test_two_runs_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo", "fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", "1"]
    both = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(path.name for path in (tmp_path / "runs/slp-digits").iterdir()) == ["1", "2"]
    for number in "12":
        assert (tmp_path / "runs/slp-digits" / number / "results.json").exists()
