"""Runs that crash, or are ended, and go on to the very end that they would have had."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
from conftest import Command
from running import DIGITS_ON_CPU, LAST, crash_at, load

PLATEAU = ["--model.lr_scheduler", "ReduceLROnPlateau", "--model.lr_scheduler_args", "{patience: 0, threshold: 0.5}"]

AVERAGES = ("current_model_state", "averaging_state")
"""Parts of checkpoints that averages of weights add."""

EMA = ["--trainer.callbacks+=EMAWeightAveraging", "--trainer.callbacks.decay", 0.9]

NETWORKS: list[tuple[str, list[object]]] = [
    ("ffnn", ["--trainer.val_check_interval", 5]),
    ("mlp", PLATEAU),
    ("mlp", ["--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 1, total_steps: 60}"]),
    ("mlp", ["--model.lr_scheduler", "CosineAnnealingLR", "--model.warmup_steps", 55]),
    (
        "ffnn",
        [
            *("--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 0.2}"),
            *("--model.warmup_steps", 24, "--trainer.accumulate_grad_batches", 2),
        ],
    ),
    ("mlp", [*PLATEAU, "--model.warmup_steps", 55, "--model.optimizer", "Adam"]),
    ("mlp", ["--trainer.callbacks+=WeightAveraging", "--model.warmup_steps", 55, "--patience", 1]),
    (
        "mlp",
        [
            *(*EMA, "--trainer.callbacks.update_every_n_steps", 3, "--trainer.callbacks.update_starting_at_step", 8),
            *("--model.class_weight", "balanced", "--trainer.accumulate_grad_batches", 2),
        ],
    ),
    ("ffnn", [*EMA, "--trainer.callbacks.update_every_n_steps", 0, "--trainer.callbacks.update_starting_at_epoch", 1]),
    ("slp", ["--trainer.accumulate_grad_batches", 3]),
    ("cifar_cnn", ["--data.augment", "true", "--model.optimizer", "Adam"]),
    ("ffnn", ["--trainer.precision", "64-true", "--model.optimizer", "Adam"]),
    ("ffnn", ["--trainer.precision", "bf16-true"]),
    ("mlp", ["--model.optimizer", "LBFGS", "--model.lr", 0.1, "--model.optimizer_args", "{max_iter: 3}"]),
    ("mlp", ["--trainer.check_val_every_n_epoch", 2, "--patience", 1]),
    ("mlp", ["--trainer.val_check_interval", 0.3]),
    ("ffnn", ["--weights", "fashion_mnist", "--freeze", "backbone", "--unfreeze_at", 1]),
    ("mlp", ["--weights", "mnist", "--freeze", "backbone", "--unfreeze_at", 2, "--model.optimizer", "Adam"]),
    ("mlp", ["--model.class_weight", "balanced", "--model.label_smoothing", 0.1, "--trainer.precision", "64-true"]),
    ("fcnet", ["--model.class_weight", "{'3': 2.5}"]),
    ("cifar_cnn", ["--weights", "cifar10", "--freeze", "backbone", "--trainer.val_check_interval", 7]),
]


@pytest.mark.parametrize(("name", "options"), NETWORKS)
def test_a_run_that_crashed_in_an_epoch_goes_on_to_the_same_end(
    name: str, options: list[object], zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = [
        "fit",
        name,
        *DIGITS_ON_CPU,
        "--data.batch_size",
        64,
        "--trainer.max_epochs",
        3,
        "--checkpoint_every",
        2,
        *options,
    ]
    assert zoo_command(*words, "--out", "whole").code == 0
    steps = load(f"whole/{name}-digits/1/{LAST}")["global_step"]
    for step in (steps // 2 + 1, steps - 2):
        crash_at(step, monkeypatch)
        go_on = ["--ckpt_path", "last"] if Path("crashed").exists() else []
        with pytest.raises(MemoryError):
            zoo_command(*words, "--out", "crashed", *go_on)
        assert 0 <= step - load(f"crashed/{name}-digits/1/{LAST}")["global_step"] <= 4
    assert zoo_command(*words, "--out", "crashed", "--ckpt_path", "last").code == 0
    whole, resumed = (Path(f"{out}/{name}-digits/1") for out in ("whole", "crashed"))
    saved = [load(run / LAST) for run in (whole, resumed)]
    for part in (*torture.PARTS, *(part for part in AVERAGES if part in saved[0])):
        assert torture.equal(saved[0][part], saved[1][part]), part
    assert (whole / "metrics.csv").read_text(encoding="utf-8") == (resumed / "metrics.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("stop", "options"),
    [
        (20, []),
        (25, ["--trainer.val_check_interval", 5]),
        (38, ["--data.augment", "true"]),
        (40, []),
        (
            25,
            [
                "--model.warmup_steps",
                45,
                "--model.lr_scheduler",
                "ExponentialLR",
                "--model.lr_scheduler_args",
                "{gamma: 0.5}",
            ],
        ),
        (25, EMA),
        (20, [*EMA, "--trainer.val_check_interval", 5]),
        (20, ["--weights", "fashion_mnist", "--freeze", "backbone", "--unfreeze_at", 1]),
        (25, ["--weights", "fashion_mnist", "--freeze", "backbone", "--unfreeze_at", 1]),
    ],
)
def test_a_run_that_max_steps_ended_goes_on_to_the_end_of_a_longer_one(
    stop: int, options: list[object], zoo_command: Command, torture: ModuleType
) -> None:
    """An epoch has 20 steps: some of these runs end amid one, and at a validation."""
    words = ("fit", "ffnn", *DIGITS_ON_CPU, "--trainer.max_epochs", -1, *options, "--trainer.max_steps")
    assert zoo_command(*words, 50, "--out", "whole").code == 0
    assert zoo_command(*words, stop, "--out", "longer").code == 0
    longer = Path("longer/ffnn-digits/1")
    (longer / "results.json").unlink()  # as if it had been killed when it reported
    metrics = (longer / "metrics.csv").read_text(encoding="utf-8")
    done = zoo_command(*words, stop, "--out", "longer", "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert (longer / "metrics.csv").read_text(encoding="utf-8") == metrics
    if stop == 38:  # there is no validation then: it had logged that before
        (longer / "metrics.csv").write_text("".join(metrics.splitlines(keepends=True)[:-1]), encoding="utf-8")
        (longer / "results.json").unlink()
        assert zoo_command(*words, stop, "--out", "longer", "--ckpt_path", "last").code == 0
        assert (longer / "metrics.csv").read_text(encoding="utf-8") == metrics
    assert json.loads((longer / "results.json").read_text(encoding="utf-8"))["epochs"] == -(-stop // 20)
    assert zoo_command(*words, 50, "--out", "longer", "--ckpt_path", "last").code == 0
    whole = Path("whole/ffnn-digits/1")
    for part in torture.PARTS:
        assert torture.equal(load(whole / LAST)[part], load(longer / LAST)[part]), part
    assert (whole / "metrics.csv").read_text(encoding="utf-8") == (longer / "metrics.csv").read_text(encoding="utf-8")
    results = [json.loads((run / "results.json").read_text(encoding="utf-8")) for run in (whole, longer)]
    assert results[0]["metrics"] == results[1]["metrics"]
    assert results[0]["epochs"] == results[1]["epochs"] == 3


def test_no_checkpoint_falls_amid_the_batches_of_one_step(
    zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One is due at the end of an epoch, of 7 steps; the next batch begins a step of three."""
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2, "--trainer.accumulate_grad_batches", 3)
    assert zoo_command(*words, "--checkpoint_every", 7, "--out", "whole").code == 0
    crash_at(9, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--checkpoint_every", 7, "--out", "crashed")
    assert load(f"crashed/slp-digits/1/{LAST}")["global_step"] == 8
    assert zoo_command(*words, "--checkpoint_every", 7, "--out", "crashed", "--ckpt_path", "last").code == 0
    whole, resumed = (load(f"{out}/slp-digits/1/{LAST}") for out in ("whole", "crashed"))
    assert all(torture.equal(whole[part], resumed[part]) for part in torture.PARTS)
