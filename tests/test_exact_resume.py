"""Runs that are killed, stopped or fail, and what is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from conftest import PATIENCE, Command, load_script
from lightning.pytorch import LightningModule, Trainer, callbacks
from lightning.pytorch.trainer.states import TrainerStatus
from test_datasets import write_celeba, write_imdb
from torch import Tensor, nn

import zoo
from zoo.callbacks import ExactResume
from zoo.callbacks.finite import check_gradients
from zoo.checkpoints.writing import SafeCheckpointIO
from zoo.datamodules.common import loader_module
from zoo.factory import model_class
from zoo.registry import model_row
from zoo.support.seeds import combine_seeds
from zoo.training import run_folder as runs
from zoo.training.metrics_file import read_metrics

DIGITS = ("--data", "digits", "--trainer.accelerator", "cpu")
LAST = Path("checkpoints", "last.ckpt")


@pytest.fixture(scope="module")
def torture() -> ModuleType:
    return load_script("torture")


def load(path: str | Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    return checkpoint


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
        *DIGITS,
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
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, "--checkpoint_every", 2, *chosen)
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
    assert zoo_command("fit", "slp", *DIGITS, "--out", "crashed", "--ckpt_path", "last").code == 0
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
    words = ("fit", "ffnn", *DIGITS, "--trainer.max_epochs", -1, *options, "--trainer.max_steps")
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
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, "--trainer.accumulate_grad_batches", 3)
    assert zoo_command(*words, "--checkpoint_every", 7, "--out", "whole").code == 0
    crash_at(9, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--checkpoint_every", 7, "--out", "crashed")
    assert load(f"crashed/slp-digits/1/{LAST}")["global_step"] == 8
    assert zoo_command(*words, "--checkpoint_every", 7, "--out", "crashed", "--ckpt_path", "last").code == 0
    whole, resumed = (load(f"{out}/slp-digits/1/{LAST}") for out in ("whole", "crashed"))
    assert all(torture.equal(whole[part], resumed[part]) for part in torture.PARTS)


def test_metrics_of_a_resumed_run_have_each_step_once(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--checkpoint_every", 3)
    assert zoo_command(*words, "--trainer.max_epochs", 3).code == 0
    assert zoo_command(*words, "--trainer.max_epochs", 5, "--ckpt_path", "last").code == 0
    assert zoo_command(*words, "--trainer.max_epochs", 5).code == 0
    rows = [read_metrics(Path(f"runs/slp-digits/{number}/metrics.csv")) for number in (1, 2)]
    assert [row["step"] for row in rows[0]] == sorted({row["step"] for row in rows[0]})
    assert rows[0] == rows[1]


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


def test_a_batch_does_not_depend_on_what_was_drawn_before() -> None:
    assert combine_seeds(1, 2, 3) != combine_seeds(1, 3, 2) != combine_seeds(0, 1, 2)
    assert 0 <= combine_seeds(2**62, 2**62, 2**62) < 2**63


# Checkpoints that are damaged, and runs that are over


def test_a_damaged_checkpoint_gives_way_to_the_next(zoo_command: Command) -> None:
    words = ("fit", "mlp", *DIGITS, "--trainer.max_epochs", 2)
    assert zoo_command(*words).code == 0
    folder = Path("runs/mlp-digits/1")
    content = (folder / LAST).read_bytes()
    (folder / LAST).write_bytes(content[: len(content) // 2])
    done = zoo_command(*words[:-1], 3, "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert f"{folder / LAST} is not a checkpoint, or is damaged" in done.err
    assert f"Going on from {folder / 'checkpoints' / 'best.ckpt'} instead, saved in epoch" in done.err
    assert load(folder / LAST)["epoch"] == 2
    for path in folder.glob("checkpoints/*.ckpt"):
        path.write_bytes(b"nothing")
    done = zoo_command(*words[:-1], 4, "--ckpt_path", "last")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "last.ckpt is not a checkpoint" in done.err


def test_a_finished_run_says_so_and_trains_on_if_asked_to(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 2)
    assert zoo_command(*words).code == 0
    folder = Path("runs/slp-digits/1")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = zoo_command("fit", "slp", *DIGITS, "--ckpt_path", "last")
    assert done.code == 0
    assert f"{folder} is finished, after 2 epochs" in done.out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert zoo_command(*words[:-1], 3, "--ckpt_path", "last").code == 0
    assert json.loads((folder / "results.json").read_text())["epochs"] == 3


def test_a_run_is_not_made_shorter_than_it_is(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs")
    assert zoo_command(*words, 3).code == 0
    config = Path("runs/slp-digits/1/config.yaml").read_text()
    done = zoo_command(*words, 2, "--ckpt_path", "last")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--trainer.max_epochs is 2, but" in done.err
    assert "is of epoch 3; give at least 3" in done.err
    assert Path("runs/slp-digits/1/config.yaml").read_text() == config
    seconds = []
    for _ in range(2):
        seconds.append(json.loads(Path("runs/slp-digits/1/results.json").read_text())["seconds"])
        assert zoo_command(*words, 5, "--ckpt_path", "last").code == 0
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text())
    assert results["command"].endswith("--ckpt_path last")  # by which it became so long
    assert seconds[0] < seconds[1] == results["seconds"]


def test_a_run_that_lost_patience_trains_on_with_more_of_it(
    zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("fit", "mlp", *DIGITS, "--model.lr", 50, "--trainer.max_epochs", 30, "--patience")
    go_on, results = ("--ckpt_path", "last"), Path("runs/mlp-digits/1/results.json")

    def epochs(*options: object) -> int:
        assert zoo_command(*words, *options).code == 0
        found: int = json.loads(results.read_text())["epochs"]
        return found

    first = epochs(1)
    results.unlink()  # as if it had been killed when it reported
    assert epochs(1, *go_on) == first
    with monkeypatch.context() as killed:  # before it has trained on at all
        killed.setattr("zoo.commands.fit.announce", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            zoo_command(*words, 4, *go_on)
    assert epochs(4, *go_on) > first


def test_the_newest_run_is_meant_whatever_its_data(zoo_command: Command, tmp_path: Path, shared_root: Path) -> None:
    one = ("--trainer.max_epochs", 1, "--trainer.limit_train_batches", 2)
    mnist = ("--data", "mnist", "--data.root", shared_root, "--data.val_size", 51)
    assert zoo_command("fit", "slp", *mnist, *one).code == 0
    assert zoo_command("fit", "slp", *one).code == 0  # on the digits that stand in
    done = zoo_command("fit", "slp", "--ckpt_path", "last")
    assert "runs/slp-digits/1 is finished" in done.out
    assert zoo_command("fit", "slp", *mnist, "--trainer.max_epochs", 2, "--ckpt_path", "last").code == 0
    assert "runs/slp-mnist/1 is finished" in zoo_command("fit", "slp", "--ckpt_path", "last").out


def test_a_run_that_has_no_checkpoint_yet_is_named(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 1)
    assert zoo_command(*words).code == 0
    Path("runs/slp-digits/2").mkdir()  # as one that was killed at once leaves it
    done = zoo_command(*words, "--ckpt_path", "last")
    assert "runs/slp-digits/2, was ended before its first checkpoint: this is about runs/slp-digits/1" in done.err
    assert "runs/slp-digits/1 is finished" in done.out
    Path("runs/slp-digits").rename("old")
    Path("runs/slp-digits/1").mkdir(parents=True)
    done = zoo_command(*words, "--ckpt_path", "last")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "runs/slp-digits/1 was ended before its first checkpoint" in done.err


def test_the_last_checkpoint_knows_what_the_users_own_callback_saved(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, "--trainer.callbacks+=ModelCheckpoint")
    assert zoo_command(*words).code == 0
    states = [
        state for name, state in load(f"runs/slp-digits/1/{LAST}")["callbacks"].items() if "'monitor': None" in name
    ]
    assert [Path(state["best_model_path"]).name for state in states] == ["epoch=1-step=40.ckpt"]


@pytest.mark.parametrize(
    "options",
    [
        ["--model.lr_scheduler", "OneCycleLR", "--model.lr_scheduler_args", "{max_lr: 1, total_steps: 40}"],
        ["--model.lr_scheduler", "CyclicLR", "--model.lr_scheduler_args", "{base_lr: 0.1, max_lr: 1}"],
        ["--model.optimizer", "LBFGS"],
    ],
)
def test_a_run_that_was_killed_when_it_reported_is_reported(options: list[str], zoo_command: Command) -> None:
    words = ("fit", "mlp", *DIGITS, "--trainer.max_epochs", 2, *options)
    assert zoo_command(*words).code == 0
    results = Path("runs/mlp-digits/1/results.json")
    before = json.loads(results.read_text())
    results.unlink()
    done = zoo_command(*words, "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert json.loads(results.read_text())["metrics"] == before["metrics"]


def test_without_the_best_checkpoint_the_last_is_reported(zoo_command: Command) -> None:
    words = ("fit", "mlp", *DIGITS, "--trainer.max_epochs", 2)
    assert zoo_command(*words).code == 0
    Path("runs/mlp-digits/1/checkpoints/best.ckpt").unlink()
    Path("runs/mlp-digits/1/results.json").unlink()
    done = zoo_command(*words, "--ckpt_path", "last")
    assert done.code == 0
    assert "best.ckpt is gone, and no epoch after it was better: reporting on last.ckpt instead" in done.err
    assert "last checkpoint, after epoch 2 of 2" in done.out


def test_a_run_folder_has_one_writer(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    folder = Path("runs/slp-digits/1")
    monkeypatch.setattr(runs, "SECONDS_TO_DIE", 0.1)
    code = f"""
import sys, time
from pathlib import Path
from zoo.runs import only_writer
with only_writer(Path({str(folder)!r})):
    print("locked", flush=True)
    time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "locked\n"
        done = zoo_command(*words, 2, "--ckpt_path", "last")
        assert done.code == 2
        assert f"{folder} is being written by process {other.pid} on " in done.err
        assert json.loads((folder / "results.json").read_text())["epochs"] == 1
        other.kill()
    assert zoo_command(*words, 2, "--ckpt_path", "last").code == 0  # the lock died with its process


def test_a_run_that_went_on_meanwhile_is_left_alone(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    path = Path("runs/slp-digits/1") / LAST
    whole = runs.only_writer

    def written_meanwhile(folder: Path) -> Any:
        os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
        return whole(folder)

    monkeypatch.setattr("zoo.commands.fit.only_writer", written_meanwhile)
    done = zoo_command(*words, 2, "--ckpt_path", "last")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "another process wrote runs/slp-digits/1/checkpoints/last.ckpt just now; try again" in done.err


def test_without_checkpoints_a_run_ends_well(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1, "--trainer.enable_checkpointing", "false")
    assert done.code == 0, done.err
    assert "the network as it is, without a checkpoint" in done.out
    assert not list(Path("runs").rglob("*.ckpt"))


def test_leftovers_of_a_crash_are_swept(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    leftovers = [Path("runs/slp-digits/1", name) for name in ("checkpoints/.last.ckpt.writing-1", ".a.csv.writing-2")]
    for leftover in leftovers:
        leftover.write_bytes(b"half")
    assert zoo_command(*words, 2, "--ckpt_path", "last").code == 0
    assert not any(leftover.exists() for leftover in leftovers)


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    SafeCheckpointIO().save_checkpoint({"a": torch.ones(3)}, path)
    with pytest.raises(AttributeError):
        SafeCheckpointIO().save_checkpoint({"a": lambda: None}, path)  # cannot be pickled
    assert torch.equal(SafeCheckpointIO().load_checkpoint(path)["a"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["a.ckpt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a disk that can be filled needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_ends_in_one_line_and_can_be_resumed(small_disk: Path, zoo_command: Command) -> None:
    out = small_disk / "runs"
    ballast = small_disk / "ballast"
    words = ("fit", "mlp", *DIGITS, "--data.val_size", 0, "--out", out, "--trainer.enable_model_summary", "false")
    running = ("--model.hidden_dim", 20, "--checkpoint_every", 5)
    whole = zoo_command(*words, *running, "--trainer.max_epochs", 1)
    assert whole.code == 0, whole.err
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    ballast.write_bytes(b"\0" * (free - 8192))
    done = zoo_command(*words, "--trainer.max_epochs", 9, "--ckpt_path", "last")
    assert done.code == 2
    assert "Traceback" not in done.err
    (error,) = [line for line in done.err.splitlines() if line.startswith("zoo: error")]
    assert "No space left on device; " in error
    assert f"{LAST} is as it was before. Make room, and go on with " in error
    ballast.unlink()
    done = zoo_command(*words, "--trainer.max_epochs", 9, "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert "after epoch 9 of 9" in done.out


# Signals


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


@pytest.mark.parametrize("which", [0, 1])
def test_sigterm_to_one_of_two_ends_both(which: int, tmp_path: Path) -> None:
    running = started(
        "--trainer.accelerator", "cpu", "--trainer.devices", "2", "--trainer.strategy", "ddp", cwd=tmp_path
    )
    children = Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
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
    assert not status.exists() or "State:\tZ" in status.read_text()  # it is dead, if perhaps not yet buried


# What is not finite


def test_a_loss_that_is_not_finite_stops_at_the_step(zoo_command: Command) -> None:
    words = ("fit", "ffnn", *DIGITS, "--trainer.max_epochs", 1, "--seed", 1)
    assert zoo_command(*words).code == 0
    good = (Path("runs/ffnn-digits/1") / LAST).read_bytes()
    done = zoo_command(*words, "--model.lr", 1e30)
    assert done.code == 2
    assert done.err.count("zoo: error") == 1
    error = done.err.splitlines()[-1]
    assert "a gradient is not finite at step 2 (epoch 1, batch 2); the largest parameter affected is" in error
    assert "hidden_layers.0.weight, (512, 784). The weights were not updated." in error
    assert "--allow_nan" in error
    assert (Path("runs/ffnn-digits/1") / LAST).read_bytes() == good
    done = zoo_command(*words, "--model.lr", 1e30, "--allow_nan")
    assert done.code == 0
    results = (Path("runs/ffnn-digits/3") / "results.json").read_text()
    assert json.loads(results, parse_constant=pytest.fail)["metrics"]["test"]["loss"] is None  # strict JSON has no NaN


class Module(LightningModule):
    """A linear layer whose second weight gets the gradient that is asked for."""

    def __init__(self, gradient: float) -> None:
        super().__init__()
        self.small, self.large = nn.Linear(1, 2), nn.Linear(3, 4)
        for parameter in self.parameters():
            parameter.grad = torch.ones_like(parameter)
        assert self.large.weight.grad is not None
        self.large.weight.grad[1, 1] = gradient

    def forward(self, x: Tensor) -> Tensor:
        raise NotImplementedError


@pytest.mark.parametrize(
    ("gradient", "message"),
    [
        (1.0, None),
        (float("nan"), "a gradient is not finite at step 1 .* large.weight"),
        (float("inf"), "a gradient is not finite .* large.weight, \\(4, 3\\)"),
        (3e38, None),  # huge, and their sum overflows, but finite
    ],
)
def test_gradients_are_looked_at(gradient: float, message: str | None) -> None:
    trainer = Trainer(logger=False, accelerator="cpu", enable_checkpointing=False)
    module = Module(gradient)
    if gradient == 3e38:
        assert module.small.weight.grad is not None
        module.small.weight.grad[:] = gradient
        assert module.small.weight.grad.sum().isinf()
    parameters = list(module.parameters())
    if message is None:
        check_gradients(trainer, module, parameters)
    else:
        with pytest.raises(zoo.ZooError, match=message):
            check_gradients(trainer, module, parameters)


def test_a_loss_that_overflows_is_told_though_its_gradients_are_finite(zoo_command: Command) -> None:
    """The square of 1e25 is infinite in single precision, its derivative is not."""
    done = zoo_command("fit", "linear", "--data.noise", 1e25, "--trainer.max_epochs", 3, "--model.lr", 1e-30)
    assert done.code == 2
    error = done.err.splitlines()[-1]
    assert "the loss is inf at step 1 (epoch 1, batch 1)" in error


# Workers, and processes side by side


@pytest.mark.parametrize("fault", ["hangs", "dies", "no picture"])
def test_a_worker_that_fails_is_told_in_one_line(
    fault: str, tmp_path: Path, zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = write_celeba(tmp_path / "data") / "img_align_celeba"
    victim = sorted(pictures.iterdir())[0]
    if fault == "hangs":
        monkeypatch.setattr(loader_module, "SECONDS_TO_LOAD", 2)
        monkeypatch.setattr("zoo.transforms.Photo.pixels", lambda *_: time.sleep(600))
    elif fault == "dies":
        monkeypatch.setattr("zoo.transforms.Photo.pixels", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    else:
        victim.write_text("not a picture")
    done = zoo_command(
        *("fit", "cifar_cnn", "--data", "celeba", "--data.root", tmp_path / "data", "--data.image_size", 16),
        *("--data.num_workers", 1, "--data.val_size", 2, "--data.batch_size", 4, "--model.loss", "bce"),
        *("--trainer.max_epochs", 1, "--trainer.accelerator", "cpu"),
    )
    assert done.code == 2
    (error,) = [line for line in done.err.splitlines() if line.startswith("zoo: error")]
    expected = {
        "hangs": "timed out",
        "dies": "DataLoader worker (pid",
        "no picture": f"zoo: error: {victim} cannot be read",
    }
    assert expected[fault] in error
    assert "Traceback" not in done.err


def test_two_processes_prepare_the_same_data_at_once(mnist_folder: Path, tmp_path: Path) -> None:
    import gzip

    for path in list(mnist_folder.iterdir()):
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    code = (
        "import sys, zoo; d = zoo.create_datamodule('mnist', root=sys.argv[1], val_size=9); d.prepare_data(); d.setup()"
    )
    command = [sys.executable, "-c", code, str(mnist_folder.parents[1])]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        _, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, err


def test_two_runs_at_once_get_folders_of_their_own(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo", "fit", "slp", *DIGITS, "--trainer.max_epochs", "1"]
    both = [subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.DEVNULL) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert sorted(path.name for path in (tmp_path / "runs/slp-digits").iterdir()) == ["1", "2"]
    for number in "12":
        assert (tmp_path / "runs/slp-digits" / number / "results.json").exists()


def test_a_picture_is_varied_by_its_place_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """On two ranks each image gets what it would get on one."""
    data = zoo.create_datamodule("digits", augment=True, seed=3)
    data.trainer = Trainer(logger=False, accelerator="cpu")
    data.trainer.state.status = TrainerStatus.RUNNING
    alone = data._random_numbers(6, 1, 2)
    ranks = []
    for rank in range(2):
        monkeypatch.setattr(Trainer, "global_rank", rank)
        monkeypatch.setattr(Trainer, "world_size", 2)
        ranks.append(data._random_numbers(3, 1, 2))
    assert torch.equal(torch.stack(ranks, dim=1).flatten(0, 1), alone)


def test_a_flipped_byte_in_a_checkpoint_is_found(zoo_command: Command) -> None:
    """Also in the weights, where torch itself would take any byte."""
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    path = Path("runs/slp-digits/1") / LAST
    content = path.read_bytes()
    weights = load(path)["state_dict"]["fc.weight"].numpy().tobytes()
    place = content.index(weights) + 1000
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert load(path)["state_dict"].keys() == {"fc.weight", "fc.bias"}
    with pytest.raises(zoo.ZooError, match="is damaged"):
        zoo.load_model(path)
