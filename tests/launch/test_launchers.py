"""What a process knows of the job that it is part of."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest
from conftest import Command
from running import DIGITS_ON_CPU

from zoo.launch import launchers as jobs
from zoo.launch import rendezvous


def test_a_job_leaves_an_older_one_of_its_name_alone(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when torchrun is given the same --rdzv-id again, and restarts before the first checkpoint."""
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    for memo in (jobs.job, rendezvous.join):
        memo.cache_clear()
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1)
    try:
        assert zoo_command(*words).code == 0
        folder = Path("runs/slp-digits/1")
        assert json.loads((folder / "run.json").read_text(encoding="utf-8"))["job"] == "slurm 1"
        monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
        rendezvous.join.cache_clear()
        assert "is finished" in zoo_command(*words).out  # its own
        shutil.copytree(folder, "runs/slp-digits/2", ignore=shutil.ignore_patterns("checkpoints"))
        assert str(Path("runs/slp-digits/3")) in zoo_command(*words).out.splitlines()[0]
    finally:
        for memo in (jobs.job, rendezvous.join):
            memo.cache_clear()


def test_a_restart_without_a_job_takes_over_no_other_run(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1)
    assert zoo_command(*words).code == 0
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")  # as in a batch script that starts the command without srun
    rendezvous.join.cache_clear()
    try:
        assert "runs/slp-digits/2" in zoo_command(*words).out.splitlines()[0]
    finally:
        rendezvous.join.cache_clear()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, ""),
        ({"LOCAL_RANK": "1", "WORLD_SIZE": "2"}, "rank 1 on "),  # started by Lightning
        ({"TORCHELASTIC_RUN_ID": "a", "RANK": "5", "WORLD_SIZE": "8"}, "rank 5 on "),
        ({"SLURM_NTASKS": "6", "SLURM_PROCID": "3"}, "rank 3 on "),
    ],
)
def test_errors_tell_which_process_they_are_of(
    environment: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert jobs.rank_prefix() == (f"{expected}{socket.gethostname()}: " if expected else "")


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, {}),
        ({"TORCHELASTIC_RUN_ID": "a", "LOCAL_WORLD_SIZE": "4", "WORLD_SIZE": "8"}, {"devices": 4, "num_nodes": 2}),
        ({"SLURM_NTASKS": "6", "SLURM_NNODES": "3"}, {"devices": 2, "num_nodes": 3}),
        ({"SLURM_NTASKS": "6", "SLURM_JOB_NAME": "interactive"}, {}),
    ],
)
def test_processes_are_those_that_were_started(
    environment: dict[str, str], expected: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert jobs.devices_and_nodes() == expected
