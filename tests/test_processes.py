"""Several processes, and processes that are interrupted: the real thing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from conftest import PATIENCE, REPOSITORY, TEST, Command, load_script

import zoo

TWO = ("--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp")
FIT = ("fit", "slp", "--data", "mnist", "--data.val_size", "51", "--trainer.max_epochs", "2")


def results(folder: str | Path) -> dict[str, dict[str, dict[str, float]]]:
    parsed: dict[str, dict[str, dict[str, float]]] = json.loads((Path(folder) / "results.json").read_text())
    return parsed


def test_two_processes_measure_exactly_what_one_does(
    zoo_process: Command, zoo_command: Command, shared_root: Path
) -> None:
    """On a test set of odd size, which two processes cannot share equally."""
    assert TEST % 2 == 1
    root = ("--data.root", shared_root)
    together = zoo_process(*FIT, *root, *TWO)
    assert together.code == 0, together.err
    for once in ("7,850 parameters", "epoch 1/2", "best checkpoint, after", "again "):
        assert together.out.count(once) == 1
    assert "2 × cpu" in together.out.splitlines()[0]
    assert "arning" not in together.out + together.err

    best = "runs/slp-mnist/1/checkpoints/best.ckpt"
    alone = zoo_command("test", "--ckpt", best, *root, "--trainer.accelerator", "cpu")
    shared = zoo_process("test", "--ckpt", best, *root, *TWO)
    assert alone.code == shared.code == 0, shared.err
    assert alone.out == shared.out
    reported = results("runs/slp-mnist/1")["metrics"]["test"]
    assert f"{reported['acc']:.4f}" in alone.out
    assert reported["acc"] * TEST == pytest.approx(round(reported["acc"] * TEST), abs=1e-4)

    # The batch is the global one, and each rank's share of it is of the same size: the runs agree to rounding.
    assert zoo_command(*FIT, *root, "--trainer.accelerator", "cpu").code == 0
    one, two = (
        torch.load(f"runs/slp-mnist/{number}/checkpoints/last.ckpt", weights_only=True)["state_dict"]
        for number in (2, 1)
    )
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=0, atol=1e-6)
    assert results("runs/slp-mnist/2")["metrics"]["test"]["acc"] == reported["acc"]


def test_several_processes_never_fall_back(zoo_command: Command, tmp_path: Path) -> None:
    done = zoo_command("fit", "slp", *TWO)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "MNIST is not in" in done.err
    assert not (tmp_path / "runs").exists()


def test_a_batch_that_two_cannot_share_is_one_line(zoo_command: Command, shared_root: Path, tmp_path: Path) -> None:
    done = zoo_command(*FIT, "--data.root", shared_root, *TWO, "--data.batch_size", 15)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "batch_size 15 is not divisible by the number of processes, 2" in done.err
    assert not (tmp_path / "runs").exists()


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
    (again,) = [line.removeprefix("go on").strip() for line in out.splitlines() if line.startswith("go on")]
    assert again.endswith(f"--config runs/slp-digits/1/config.yaml --ckpt_path {last}")
    epoch = torch.load(last, weights_only=True)["epoch"]
    words = again.split()[again.split().index("--config") :]
    done = zoo_process("fit", *words, "--trainer.max_epochs", str(epoch + 2))
    assert done.code == 0, done.err


def test_ctrl_c_before_the_training_leaves_quietly(tmp_path: Path) -> None:
    running = start("--model", "slp", "--data", "digits", cwd=tmp_path)
    deadline = time.monotonic() + PATIENCE
    while "torch" not in Path(f"/proc/{running.pid}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.01)  # until it is in the imports
    os.killpg(running.pid, signal.SIGINT)
    _, err = running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
    assert "Traceback" not in err
    assert "interrupted" in err


def test_scripts_module_and_console_command_are_the_same(tmp_path: Path, zoo_process: Command) -> None:
    options = ["--data", "digits", "--trainer.max_epochs", "1"]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "scripts" / "fit.py"), "--model", "slp", *options],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert f"python {REPOSITORY / 'scripts' / 'fit.py'} --config runs/slp-digits/1/config.yaml" in done.stdout
    module = zoo_process("fit", "slp", *options)
    assert "python -m zoo fit --config" in module.out
    console = subprocess.run(
        [str(Path(sys.executable).with_name("zoo")), "list", "--names"], capture_output=True, text=True, check=True
    )
    assert "slp" in console.stdout.split()
    best = tmp_path / "runs" / "slp-digits" / "1" / "checkpoints" / "best.ckpt"
    for script in ("test", "predict"):
        pictures = [str(tmp_path / "runs" / "slp-digits" / "1" / "curves.png")] if script == "predict" else []
        path = str(REPOSITORY / "scripts" / f"{script}.py")
        subprocess.run([sys.executable, path, "--ckpt", str(best), *pictures], check=True, capture_output=True)


def test_two_processes_train_as_one_does_dropout_included(tmp_path: Path) -> None:
    """100 steps of `ffnn` in double precision; scripts/ranks.py does it for every network."""
    ranks = load_script("ranks")
    found = []
    for way in ("one process", "DDP"):
        (tmp_path / way).mkdir()
        found.append(ranks.run(ranks.ways("ffnn")[way], tmp_path / way))
    (one, one_metrics), (two, two_metrics) = found
    assert zoo.create_model("ffnn").hparams["dropout"] > 0
    for key, value in one.items():
        assert torch.allclose(value, two[key], rtol=0, atol=ranks.LIMIT)
    assert one_metrics["acc"] == two_metrics["acc"]
