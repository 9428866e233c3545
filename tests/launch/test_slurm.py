"""A real SLURM: jobs that are told to make room, that are requeued, and that end as if they had been left alone."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import PATIENCE, REPOSITORY, Command

RESUME_PARTS = ("slurmctld", "slurmd", "srun", "munge")
missing = [name for name in RESUME_PARTS if not shutil.which(name)]
pytestmark = [
    pytest.mark.skipif(bool(missing), reason=f"needs a SLURM to start: {', '.join(missing)} not installed"),
    pytest.mark.skipif(os.name == "posix" and os.geteuid() != 0, reason="needs root, to start a SLURM"),
]

JOB = ("mlp", "--data", "digits", "--trainer.accelerator", "cpu", "--trainer.enable_model_summary", "false")
ROUNDS = int(os.environ.get("ZOO_SLURM_ROUNDS", "0"))
"""How often each way to end a job is tried with long jobs, which run into a time limit; ZOO_SLURM_ROUNDS=5 takes 16
minutes. By default once, with short jobs, which are told of it by `scancel`."""

EPOCHS = 400 if ROUNDS else 60
ENDINGS = ["out of time", "requeued"] * ROUNDS or ["told to make room", "requeued"]


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("slurm")
    up = [str(REPOSITORY / "tests" / "slurm" / "up.sh"), str(folder)]
    subprocess.run(up, check=True, stdout=subprocess.DEVNULL, timeout=PATIENCE)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("SLURM_CONF", str(folder / "slurm.conf"))
        yield folder
    subprocess.run([*up, "stop"], check=True)


def submit(folder: Path, *options: str, epochs: int, sbatch: tuple[str, ...] = ()) -> str:
    """Submit a job of two processes, and return its number."""
    command = ["sbatch", "--parsable", "--ntasks-per-node", "2", "--time", "5", *sbatch]
    script = [str(REPOSITORY / "scripts" / "slurm" / "fit.sbatch"), *JOB, "--trainer.max_epochs", str(epochs), *options]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run([*command, *script], cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def wait_for(condition: Any, seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.2)


def wait_until_interrupted(log: Path) -> None:
    wait_for(lambda: log.exists() and "Interrupted in epoch" in log.read_text(encoding="utf-8"))


def state(job: str) -> str:
    command = ["squeue", "--noheader", "--format", "%T", "--job", job]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def start_again(job: str) -> None:
    """Wait until a job is requeued, and let it start soon: SLURM would wait for two minutes.

    Not at once: within a second of its end, slurmd takes the new job for the one that was killed, and SLURM drops it.
    """
    wait_for(lambda: state(job) == "PENDING")
    subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now+3", "TimeLimit=9"], check=True)


def outcome(folder: Path, job: str) -> dict[str, Any]:
    run = folder / "runs" / f"slurm-{job}"
    wait_for((run / "1" / "results.json").exists, 240)
    assert [path.name for path in run.iterdir()] == ["1"]
    checkpoint: dict[str, Any] = torch.load(run / "1" / "checkpoints" / "last.ckpt", weights_only=True)
    return {"weights": checkpoint["state_dict"], "metrics": (run / "1" / "metrics.csv").read_text(encoding="utf-8")}


@pytest.fixture(scope="module")
def undisturbed(slurm: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    return outcome(folder, submit(folder, epochs=EPOCHS))


@pytest.mark.parametrize("how", ENDINGS)
def test_a_job_that_is_ended_early_goes_on_to_the_same_weights(
    how: str, slurm: Path, undisturbed: dict[str, Any], tmp_path: Path
) -> None:
    # SLURM looks for jobs to tell only now and then: the signal was seen 30 seconds early, and 10 late.
    limit = ("--time", "2", "--signal", "USR1@80") if how == "out of time" else ()
    job = submit(tmp_path, epochs=EPOCHS, sbatch=limit)
    metrics = tmp_path / "runs" / f"slurm-{job}" / "1" / "metrics.csv"
    log = tmp_path / f"zoo-fit-{job}.log"
    if how == "out of time":
        wait_until_interrupted(log)
    else:
        wait_for(lambda: metrics.exists() and len(metrics.read_text(encoding="utf-8").splitlines()) > 5)
        tell = ["scontrol", "requeue"] if how == "requeued" else ["scancel", "--signal", "USR1"]
        subprocess.run([*tell, job], check=True)
    start_again(job)
    found = outcome(tmp_path, job)
    printed = log.read_text(encoding="utf-8")
    assert printed.count("Interrupted in epoch") >= (how != "requeued")  # a requeue may tell the job, or kill it
    assert printed.count("· 2 × cpu ·") == 2  # it ran twice
    for key, value in undisturbed["weights"].items():
        assert torch.equal(found["weights"][key], value), printed
    assert found["metrics"] == undisturbed["metrics"]


def test_a_job_is_what_lightning_starts_by_itself(
    undisturbed: dict[str, Any], tmp_path: Path, zoo_process: Command
) -> None:
    two = ("--trainer.devices", 2, "--trainer.max_epochs", EPOCHS)
    done = zoo_process("fit", *JOB, *two)
    assert done.code == 0, done.err
    alone = torch.load(tmp_path / "runs/mlp-digits/1/checkpoints/last.ckpt", weights_only=True)["state_dict"]
    assert all(torch.equal(alone[key], value) for key, value in undisturbed["weights"].items())


def test_a_sweep_is_a_run_for_each_network_and_seed(slurm: Path, tmp_path: Path, zoo_command: Command) -> None:
    script = str(REPOSITORY / "scripts" / "slurm" / "sweep.sbatch")
    environment = {**os.environ, "PYTHON": sys.executable, "ZOO_SCRIPTS": str(Path(script).parent)}
    environment |= {"MODELS": "slp mlp", "SEEDS": "3", "OMP_NUM_THREADS": "1"}
    options = ("--data", "digits", "--trainer.accelerator", "cpu", "--trainer.max_epochs", "1")
    command = ["sbatch", "--parsable", "--array", "0-1", script, *options]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True)
    wait_for(lambda: len(list(tmp_path.glob("runs/*/1/results.json"))) == 2)
    done = zoo_command("results", tmp_path / "runs", "--csv", "all.csv")
    assert done.code == 0, done.err
    with Path("all.csv").open(encoding="utf-8") as file:
        assert sorted((row["model"], row["seed"]) for row in csv.DictReader(file)) == [("mlp", "3"), ("slp", "3")]


def test_a_job_array_fills_the_folder_of_one_series(slurm: Path, tmp_path: Path) -> None:
    script = str(REPOSITORY / "scripts" / "slurm" / "series.sbatch")
    environment = {**os.environ, "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    options = ("--trainer.max_epochs", str(EPOCHS), "--model.lr", "0.1,0.5", "--seeds", "0..1", "--baselines", "false")
    command = ["sbatch", "--parsable", "--array", "0-1", script, "sweep", *JOB, *options]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    job = f"{done.stdout.strip()}_0"
    series = tmp_path / "runs" / "mlp-digits" / "1"
    wait_for(lambda: list(series.glob("*/checkpoints/last.ckpt")))
    subprocess.run(["scancel", "--signal", "USR1", job], check=True)
    start_again(job)
    wait_for((series / "summary.json").exists, 240)
    (left,) = (path for path in series.parent.iterdir() if path.is_dir())
    assert left == series
    best, other = json.loads((series / "summary.json").read_text(encoding="utf-8"))["combinations"]
    assert len(best["runs"]) == len(other["runs"]) == 2
    assert "test/acc" in best["mean"]
    assert "test/acc" not in other["mean"]
    logs = [path.read_text(encoding="utf-8") for path in tmp_path.glob("zoo-series-*.log")]
    trained = [set(re.findall(r"^(\S+) \([0-9] of 4\)", log, flags=re.M)) for log in logs]
    assert len(trained) == 2
    assert all(trained)
    assert any("go on       " in log for log in logs)


def test_the_time_limits_signal_arrives(slurm: Path, tmp_path: Path) -> None:
    """A limit of two minutes, of which the signal takes the last 70 seconds."""
    job = submit(tmp_path, epochs=100_000, sbatch=("--time", "2", "--signal", "USR1@70"))
    log = tmp_path / f"zoo-fit-{job}.log"
    wait_until_interrupted(log)
    wait_for(lambda: state(job) == "PENDING")
    assert "Exited with exit code 75" in log.read_text(encoding="utf-8")
    subprocess.run(["scancel", job], check=True)
