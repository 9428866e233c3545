"""Runs that are killed, and end as if they had not been."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import Command, load_script
from data_files import write_imdb
from lightning.pytorch import Trainer, callbacks
from running import DIGITS_ON_CPU, LAST, load

import zoo
from zoo.callbacks import ExactResume
from zoo.factory import model_class
from zoo.registry import model_row


@pytest.fixture(scope="module")
def torture() -> ModuleType:
    return load_script("torture")


# Killed


@pytest.mark.parametrize(("case", "kills"), [("ffnn", 1), ("workers", 1), ("ddp", 1)])
def test_a_killed_run_ends_as_if_it_had_not_been(
    case: str, kills: int, torture: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert torture.torture([case], kills, seed=1), capsys.readouterr().out


def test_the_comparison_can_fail(torture: ModuleType) -> None:
    a = {"x": [torch.tensor([1.0, 2.0]), {"y": 1}]}
    assert torture.equal(a, {"x": [torch.tensor([1.0, 2.0]), {"y": 1}]})
    for other in ({"x": [torch.tensor([1.0, 2.0000002]), {"y": 1}]}, {"x": [a["x"][0], {"y": 2}]}, {}):
        assert not torture.equal(a, other)


NETWORKS = [
    ("ffnn", ["--trainer.val_check_interval", 5]),
    (
        "mlp",
        ["--model.lr_scheduler", "ReduceLROnPlateau", "--model.lr_scheduler_args", "{patience: 0, threshold: 0.5}"],
    ),
    ("mlp", ["--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 1, total_steps: 60}"]),
    ("slp", ["--trainer.accumulate_grad_batches", 3]),
    ("cifar_cnn", ["--data.augment", "true", "--model.optimizer", "Adam"]),
    ("ffnn", ["--trainer.precision", "64-true", "--model.optimizer", "Adam"]),
    ("ffnn", ["--trainer.precision", "bf16-true"]),
    ("mlp", ["--model.optimizer", "LBFGS", "--model.lr", 0.1, "--model.optimizer_args", "{max_iter: 3}"]),
    ("mlp", ["--trainer.check_val_every_n_epoch", 2, "--patience", 1]),
    ("mlp", ["--trainer.val_check_interval", 0.3]),
]


def crash_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next fit crash in that step, before its update."""
    whole = ExactResume.on_before_optimizer_step

    def crash(self: ExactResume, trainer: Trainer, *rest: Any) -> None:
        if trainer.global_step == step:
            monkeypatch.setattr(ExactResume, "on_before_optimizer_step", whole)
            raise MemoryError
        whole(self, trainer, *rest)

    monkeypatch.setattr(ExactResume, "on_before_optimizer_step", crash)


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
    for part in torture.PARTS:
        assert torture.equal(load(whole / LAST)[part], load(resumed / LAST)[part]), part
    assert (whole / "metrics.csv").read_text() == (resumed / "metrics.csv").read_text()


ARGUMENTS = {
    "BasePredictionWriter": ["--trainer.callbacks.write_interval", "batch"],
    "EarlyStopping": ["--trainer.callbacks.monitor", "val/loss"],
    "GradientAccumulationScheduler": ["--trainer.callbacks.scheduling", "{0: 2, 1: 3}"],
    "ModelPruning": ["--trainer.callbacks.pruning_fn", "l1_unstructured"],
    "OnExceptionCheckpoint": ["--trainer.callbacks.dirpath", "."],
    "StochasticWeightAveraging": ["--trainer.callbacks.swa_lrs", 0.01],
}


@pytest.mark.parametrize("name", callbacks.__all__)
def test_a_callback_of_lightnings_is_resumed_exactly_or_refused(
    name: str, zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is repeated, as torchrun does, or only the network is named: it is the same run."""
    chosen = (f"--trainer.callbacks+={name}", *ARGUMENTS.get(name, []))
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2, "--checkpoint_every", 2, *chosen)
    whole = zoo_command(*words, "--out", "whole")
    if whole.code == 2:
        errors = [line for line in whole.err.splitlines() if line.startswith("zoo: error: ")]
        assert len(errors) == 1, whole.err
        assert name in errors[0]
        assert not Path("whole").exists()
        return
    assert whole.code == 0, whole.err
    steps = load(f"whole/slp-digits/1/{LAST}")["global_step"]
    crash_at(steps // 2 + 1, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--out", "crashed")
    crash_at(steps - 2, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--out", "crashed", "--ckpt_path", "last")
    assert zoo_command("fit", "slp", *DIGITS_ON_CPU, "--out", "crashed", "--ckpt_path", "last").code == 0
    for part in torture.PARTS:
        assert torture.equal(*(load(f"{out}/slp-digits/1/{LAST}")[part] for out in ("whole", "crashed"))), part


@pytest.mark.parametrize(
    ("stop", "options"),
    [(20, []), (25, ["--trainer.val_check_interval", 5]), (38, ["--data.augment", "true"]), (40, [])],
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
    metrics = (longer / "metrics.csv").read_text()
    done = zoo_command(*words, stop, "--out", "longer", "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert (longer / "metrics.csv").read_text() == metrics
    if stop == 38:  # there is no validation then: it had logged that before
        (longer / "metrics.csv").write_text("".join(metrics.splitlines(keepends=True)[:-1]))
        (longer / "results.json").unlink()
        assert zoo_command(*words, stop, "--out", "longer", "--ckpt_path", "last").code == 0
        assert (longer / "metrics.csv").read_text() == metrics
    assert json.loads((longer / "results.json").read_text())["epochs"] == -(-stop // 20)
    assert zoo_command(*words, 50, "--out", "longer", "--ckpt_path", "last").code == 0
    whole = Path("whole/ffnn-digits/1")
    for part in torture.PARTS:
        assert torture.equal(load(whole / LAST)[part], load(longer / LAST)[part]), part
    assert (whole / "metrics.csv").read_text() == (longer / "metrics.csv").read_text()
    results = [json.loads((run / "results.json").read_text()) for run in (whole, longer)]
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


@pytest.mark.parametrize("precision", ["32-true", "64-true", "bf16-mixed"])
@pytest.mark.parametrize("name", zoo.list_models())
def test_importers_get_it_by_a_callback(
    name: str, precision: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of callbacks and the zoo's data are all that is needed, for every network and precision."""
    write_imdb(tmp_path)
    data_name = "digits" if model_class(name).takes == "image" else model_row(name).data
    options = {
        "digits": {"augment": True, "batch_size": 16},
        "imdb": {"root": str(tmp_path), "min_frequency": 1, "val_size": 8, "batch_size": 8, "vocab_size": 50},
    }.get(data_name, {"batch_size": 1 if data_name == "xor" else 8})

    def fit(**arguments: Any) -> zoo.tasks.Task:
        data = zoo.create_datamodule(data_name, seed=5, **options)
        if name in ("cifar_cnn", "digits_cnn"):
            data = zoo.create_datamodule(
                "digits", seed=5, image_size=32, channels=3 if "cifar" in name else 1, **options
            )
        torch.manual_seed(0)
        network = zoo.create_model(name, **({"vocab_size": 50} if data_name == "imdb" else {}))
        last = ExactResume(tmp_path / "last.ckpt", every_n_steps=1)
        quiet = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
        short = {"max_epochs": 2, "limit_train_batches": 5, "limit_val_batches": 0}
        trainer = Trainer(callbacks=[last], precision=precision, gradient_clip_val=1.0, **short, **quiet)
        trainer.fit(network, data, **arguments)
        return network

    whole = fit()
    crash_at(6, monkeypatch)
    with pytest.raises(MemoryError):
        fit()
    assert 0 < load(tmp_path / "last.ckpt")["global_step"] <= 6
    resumed = fit(ckpt_path=tmp_path / "last.ckpt", weights_only=True)
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


# Checkpoints that are damaged, and runs that are over


def test_the_last_checkpoint_knows_what_the_users_own_callback_saved(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2, "--trainer.callbacks+=ModelCheckpoint")
    assert zoo_command(*words).code == 0
    states = [
        state for name, state in load(f"runs/slp-digits/1/{LAST}")["callbacks"].items() if "'monitor': None" in name
    ]
    assert [Path(state["best_model_path"]).name for state in states] == ["epoch=1-step=40.ckpt"]
