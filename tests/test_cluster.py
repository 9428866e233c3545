"""What clusters need: results of many runs, data beforehand, batches by process, restarts."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
import yaml
from conftest import PATIENCE, REPOSITORY, Command
from torch import Tensor

from zoo.launch import launchers as jobs
from zoo.launch import rendezvous

DIGITS = ("--data", "digits", "--trainer.accelerator", "cpu")
LAST = Path("checkpoints", "last.ckpt")


def test_results_of_many_runs_are_one_table(zoo_command: Command) -> None:
    for seed in (0, 1):
        assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1, "--seed", seed).code == 0
    assert zoo_command("fit", "xor", "--trainer.max_epochs", 2, "--name", "other").code == 0
    Path("runs/other/1").rename("runs/other/10")
    broken = Path("runs/broken/1/results.json")
    broken.parent.mkdir(parents=True)
    broken.write_text("{}")
    done = zoo_command("results", "runs", "--csv", "all.csv")
    assert done.code == 0
    assert f"zoo: {broken} holds no results, and is left out" in done.err
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "runs/other/10", "runs/slp-digits/1", "runs/slp-digits/2"]
    with Path("all.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["0", "0", "1"]
    assert 0 < float(rows[1]["test/acc"]) < 1
    assert rows[0]["val/acc"] == ""


def test_results_tell_options_apart_and_leave_out_what_trained_nothing(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.enable_model_summary", "false", "--trainer.max_epochs")
    for options in ((1, "--model.lr", 0.1), (1, "--model.lr", 0.5), (1, "--patience", 3), (0,)):
        assert zoo_command(*words, *options).code == 0
    assert zoo_command(*words, 1, "--trainer.fast_dev_run", "true").code == 0
    assert zoo_command("fit", "linear", "--trainer.max_epochs", 1, "--out", "runs").code == 0
    done = zoo_command("results", "runs/slp-digits", "--csv", "all.csv")
    header, *lines = done.out.splitlines()
    assert header.split() == ["run", "lr", "patience", "epochs", "seconds", "val/acc", "test/acc", "test/loss"]
    assert [line.split()[1:3] for line in lines] == [["0.1", "–"], ["0.5", "–"], ["0.5", "3"]]
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.err.count("trained nothing, and is left out") == 2
    with Path("all.csv").open() as file:
        assert [row["model.lr"] for row in csv.DictReader(file)] == ["0.1", "0.5", "0.5"]
    header = zoo_command("results").out.splitlines()[0]  # the rate of another network is none that differs
    assert header.split()[:5] == ["run", "model", "data", "lr", "patience"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["results", "nowhere"], "nowhere is no folder"),
        (["results", "."], "there are no results.json in ."),
        (["results", "--csv"], "--csv needs a value"),
        (["results", "--table"], "zoo results takes folders and --csv, not --table"),
        (["prepare"], "which data sets? Give some of: celeba"),
        (["prepare", "minst"], "did you mean 'mnist'?"),
        (["prepare", "mnist"], "MNIST is not in"),
        (["prepare", "--root", "x", "--force"], "not --force"),
    ],
)
def test_bad_requests_are_one_line(words: list[str], message: str, zoo_command: Command) -> None:
    done = zoo_command(*words)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_data_are_prepared_beforehand(zoo_command: Command, mnist_folder: Path) -> None:
    import gzip

    for path in list(mnist_folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    done = zoo_command("prepare", "digits", "mnist", "--root", mnist_folder.parents[1])
    assert "digits: 1,257 train, 180 val, 360 test" in done.out
    assert (mnist_folder / "train-images-idx3-ubyte").exists()
    # Its default of 5,000 held out is more than this tiny set has: what cannot be used is told beforehand, too.
    assert done.code == 2
    assert "leaves nothing to train on: the training set has 301 examples" in done.err


def test_the_batch_of_each_process(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 1, "--data.batch_size_per_device", 50)
    assert zoo_command(*words).code == 0
    assert yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text())["data"]["batch_size"] == 50
    done = zoo_command(*words, "--data.batch_size", 100)
    assert done.code == 2
    assert "contradict each other" in done.err
    longer = (*words, "--trainer.max_epochs", 2, "--ckpt_path", "last")  # as a job that is started again repeats it
    assert zoo_command(*longer).code == 0
    done = zoo_command(*longer, "--data.batch_size_per_device", 25, "--trainer.max_epochs", 3)
    assert done.code == 2
    assert "has batches of 50; start a new run" in done.err


def test_the_batch_of_each_of_two_processes(zoo_process: Command) -> None:
    two = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.max_epochs", 1)
    done = zoo_process("fit", "slp", *DIGITS, *two, "--data.batch_size_per_device", 50)
    assert done.code == 0, done.err
    assert yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text())["data"]["batch_size"] == 100


def torchrun(
    *options: str, cwd: Path, nodes: int = 1, restarts: int = 0, epochs: int = 40, data: tuple[str, ...] = DIGITS
) -> list[subprocess.Popen[str]]:
    """Start two processes by torchrun, on one node, or on each of two, both of which are this machine."""
    script = [str(REPOSITORY / "scripts" / "fit.py"), "--model", "slp", *data, "--trainer.max_epochs", str(epochs)]
    command = ["-m", "torch.distributed.run", "--nproc-per-node", str(2 // nodes), "--max-restarts", str(restarts)]
    if nodes > 1:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            endpoint = f"127.0.0.1:{free.getsockname()[1]}"
        command += ["--nnodes", str(nodes), "--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint, "--rdzv-id", "1"]
    return [
        subprocess.Popen(
            [sys.executable, *command, *script, *options],
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        for _ in range(nodes)
    ]


def kill_one_rank(agents: list[subprocess.Popen[str]], folder: Path, another_run: bool = False) -> None:
    """Kill the second of two processes once the run has a checkpoint, and there is a newer run of another job."""
    deadline = time.monotonic() + PATIENCE
    while not any(folder.glob(f"runs/*/*/{LAST}")) and time.monotonic() < deadline:
        time.sleep(0.05)
    children = [c for a in agents for c in Path(f"/proc/{a.pid}/task/{a.pid}/children").read_text().split()]
    ranks = [int(child) for child in children if b"fit.py" in Path(f"/proc/{child}/cmdline").read_bytes()]
    assert len(ranks) == 2
    if another_run:
        (run,) = folder.glob("runs/*/1")
        (run.with_name("2") / LAST).parent.mkdir(parents=True)
        for name in ("config.yaml", LAST):
            shutil.copy(run / name, run.with_name("2") / name)
        config = run.with_name("2") / "config.yaml"
        config.write_text(config.read_text().replace("# torchrun ", "# torchrun another"))
    os.kill(ranks[1], signal.SIGKILL)


EVERY = ("--checkpoint_every", "5", "--trainer.enable_model_summary", "false")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Tensor]:
    """The weights of a run on one node that was left alone."""
    folder = tmp_path_factory.mktemp("whole")
    (agent,) = torchrun(*EVERY, cwd=folder)
    out, err = agent.communicate(timeout=PATIENCE)
    assert agent.returncode == 0, err
    assert out.count("· 2 × cpu ·") == out.count("best checkpoint, after") == 1
    assert [path.name for path in (folder / "runs/slp-digits").iterdir()] == ["1"]
    return weights(folder)


def weights(folder: Path) -> dict[str, Tensor]:
    found: dict[str, Tensor] = torch.load(folder / "runs/slp-digits/1" / LAST, weights_only=True)["state_dict"]
    return found


@pytest.mark.parametrize("nodes", [1, 2])
def test_torchrun_restarts_a_run_that_lost_a_process_and_it_ends_the_same(
    nodes: int, tmp_path: Path, undisturbed: dict[str, Tensor]
) -> None:
    agents = torchrun(*EVERY, cwd=tmp_path, nodes=nodes, restarts=1)
    kill_one_rank(agents, tmp_path, another_run=True)
    told = [agent.communicate(timeout=PATIENCE) for agent in agents]
    assert [agent.returncode for agent in agents] == [0] * nodes, told
    assert "".join(out for out, _ in told).count("· 2 × cpu ·") == 2
    runs = tmp_path / "runs/slp-digits"
    assert sorted(path.name for path in runs.iterdir()) == ["1", "2"]
    assert not (runs / "2" / "results.json").exists()  # that of another job was left alone
    found = weights(tmp_path)
    assert all(torch.equal(undisturbed[key], found[key]) for key in undisturbed)


def test_a_job_leaves_an_older_one_of_its_name_alone(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """As when torchrun is given the same --rdzv-id again, and restarts before the first checkpoint."""
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_NTASKS", "1")
    for memo in (jobs.job, rendezvous.join):
        memo.cache_clear()
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 1)
    try:
        assert zoo_command(*words).code == 0
        config = Path("runs/slp-digits/1/config.yaml")
        assert "# slurm 1\n" in config.read_text()
        monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
        rendezvous.join.cache_clear()
        assert "is finished" in zoo_command(*words).out  # its own
        shutil.copytree(config.parent, "runs/slp-digits/2", ignore=shutil.ignore_patterns("checkpoints"))
        assert "runs/slp-digits/3" in zoo_command(*words).out.splitlines()[0]
    finally:
        for memo in (jobs.job, rendezvous.join):
            memo.cache_clear()


def test_a_killed_process_ends_the_job_soon(tmp_path: Path) -> None:
    (running,) = torchrun("--checkpoint_every", "5", cwd=tmp_path, epochs=100_000)
    kill_one_rank([running], tmp_path)
    told = time.monotonic()
    _, err = running.communicate(timeout=PATIENCE)
    assert time.monotonic() - told < 10
    assert running.returncode != 0
    (error,) = [line for line in err.splitlines() if line.startswith("zoo: error")]
    assert "rank 0 on " in error
    assert "another process of the run is gone; go on with --ckpt_path last" in error


def test_a_process_that_cannot_read_its_data_names_itself(tmp_path: Path) -> None:
    (running,) = torchrun("--data.root", "/nowhere", cwd=tmp_path, data=("--data", "mnist"))
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode != 0
    errors = [line for line in err.splitlines() if line.startswith("zoo: error")]
    assert errors
    assert all("rank 0 on " in line or "rank 1 on " in line for line in errors)
    assert "/nowhere/MNIST/raw" in errors[0]
    assert not (tmp_path / "runs").exists()


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
