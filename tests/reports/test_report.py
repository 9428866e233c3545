"""The closing report."""

from __future__ import annotations

import json
import re
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from conftest import Command
from running import DIGITS, DIGITS_ON_CPU, ONE_EPOCH

import zoo


def test_the_reported_metrics_are_those_of_the_best_checkpoint(zoo_command: Command, trained: Path) -> None:
    results = json.loads((trained / "results.json").read_text(encoding="utf-8"))
    model = zoo.load_model(trained / "checkpoints" / "best.ckpt")
    data = zoo.create_datamodule("digits")
    data.setup()
    for split, metrics in results["metrics"].items():
        x, y = data.splits[split].tensors
        with torch.inference_mode():
            output = model(data.scale(x))
            assert metrics["acc"] == pytest.approx(float((output.argmax(1) == y).float().mean()))
            assert metrics["loss"] == pytest.approx(float(model.loss(output, y)), rel=1e-5)
    tested = zoo_command("test", "--model", "slp", "--ckpt", trained / "checkpoints" / "best.ckpt")
    assert tested.code == 0
    assert f"{results['metrics']['test']['acc']:.4f}" in tested.out
    assert f"{results['metrics']['test']['loss']:.4f}" in tested.out


@pytest.mark.parametrize(
    ("words", "learned"),
    [
        (["linear", "--trainer.max_epochs", 300], {"learned mdl.weight": [2.0, 3.0], "made with": [2.0, 3.0]}),
        (["custom_function", "--data.a", 1.5], {"learned A": [1.5], "learned B": [-1.0], "made with": [1.5, -1.0]}),
        (["xor", "--trainer.max_epochs", 1], {"learned hid_to_out.bias": None}),
    ],
)
def test_what_a_small_network_learned_is_told(
    words: list[object], learned: dict[str, list[float] | None], zoo_command: Command
) -> None:
    done = zoo_command("fit", *words)
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    for name, values in learned.items():
        (line,) = [line for line in lines if line.startswith(f"{name} ")]
        numbers = [float(word) for word in line.removeprefix(name).split()]
        assert values is None or numbers == pytest.approx(values, abs=0.05)
    if words[0] == "custom_function":
        assert " 0.0000" not in done.out.replace("made with", "")


def test_what_stopped_a_run_is_told(zoo_command: Command) -> None:
    short = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 100_000, "--trainer.max_time", "00:00:00:01")
    assert re.search(r"best checkpoint, after epoch \d+ of \d+, stopped by max_time after 1 s", zoo_command(*short).out)
    patient = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 50, "--model.lr", 1e-9, "--patience", 2)
    assert ", stopped early by val/loss" in zoo_command(*patient).out


def test_an_interrupted_evaluation_can_be_made_up_for(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr("zoo.reports.report.evaluate", Mock(side_effect=KeyboardInterrupt))
        done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH)
    assert done.code == 130
    assert "The training is complete; the closing evaluation was interrupted." in done.out
    (line,) = [line for line in done.out.splitlines() if line.startswith("report ")]
    assert zoo_command(*line.split()[2:]).code == 0
    assert Path("runs/slp-digits/1/results.json").exists()


@pytest.mark.parametrize(
    "options",
    [
        ["--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 1, total_steps: 40}"],
        ["--model.lr_scheduler", "CyclicLR", "--model.lr_scheduler_args", "{base_lr: 0.1, max_lr: 1}"],
        ["--model.optimizer", "LBFGS"],
    ],
)
def test_a_run_that_was_killed_when_it_reported_is_reported(options: list[str], zoo_command: Command) -> None:
    words = ("fit", "mlp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2, *options)
    assert zoo_command(*words).code == 0
    results = Path("runs/mlp-digits/1/results.json")
    before = json.loads(results.read_text(encoding="utf-8"))
    results.unlink()
    done = zoo_command(*words, "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert json.loads(results.read_text(encoding="utf-8"))["metrics"] == before["metrics"]


def test_without_the_best_checkpoint_the_last_is_reported(zoo_command: Command) -> None:
    words = ("fit", "mlp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2)
    assert zoo_command(*words).code == 0
    Path("runs/mlp-digits/1/checkpoints/best.ckpt").unlink()
    Path("runs/mlp-digits/1/results.json").unlink()
    done = zoo_command(*words, "--ckpt_path", "last")
    assert done.code == 0
    assert "best.ckpt no longer exists, and no later epoch was better; reporting on last.ckpt instead" in done.err
    assert "last checkpoint, after epoch 2 of 2" in done.out
