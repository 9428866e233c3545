"""The user's loggers, with the real packages: options, metrics of train, val and test, figures, the checkpoint."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import Command
from running import DIGITS, ONE_EPOCH

FIT = ("fit", "slp", *DIGITS, *ONE_EPOCH, "--trainer.logger")
RUN = Path("runs/slp-digits/1")
FIGURES = ("curves", "mistakes", "confusion", "calibration")


def results() -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((RUN / "results.json").read_text(encoding="utf-8"))["metrics"]
    return found


def test_csv(zoo_command: Command) -> None:
    assert zoo_command(*FIT, "CSVLogger", "--trainer.logger.save_dir", "mine").code == 0
    (path,) = Path("mine").rglob("metrics.csv")
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    (row,) = [row for row in rows if row["test/acc"]]
    for name, value in results()["test"].items():
        assert float(row[f"test/{name}"]) == pytest.approx(value)
    assert any(row["val/acc"] for row in rows)
    assert "test/acc" not in (RUN / "metrics.csv").read_text(encoding="utf-8")
    options = path.with_name("hparams.yaml").read_text(encoding="utf-8")
    assert "data.batch_size: 64" in options
    assert "lr: 0.5" in options


def test_tensorboard(zoo_command: Command) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert zoo_command(*FIT, "TensorBoardLogger", "--trainer.logger.save_dir", "mine").code == 0
    path, *_ = Path("mine").rglob("events.*")  # a new file after the training
    events = accumulator.EventAccumulator(str(path.parent)).Reload()
    assert {"train/acc", "val/acc"} <= {*events.Tags()["scalars"]}
    for name, value in results()["test"].items():
        (event,) = events.Scalars(f"test/{name}")
        assert (event.value, event.step) == (pytest.approx(value), 20)
    assert sorted(events.Tags()["images"]) == sorted(FIGURES)
    assert "data.batch_size: 64" in path.with_name("hparams.yaml").read_text(encoding="utf-8")


def test_mlflow(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    done = zoo_command(*FIT, "MLFlowLogger", "--trainer.logger.save_dir", "mine")
    assert done.code == 0, done.err
    (run,) = [path.parent for path in Path("mine").rglob("params")]
    assert (run / "params" / "data.batch_size").read_text(encoding="utf-8") == "64"
    assert (run / "params" / "lr").read_text(encoding="utf-8") == "0.5"
    for split, metrics in results().items():
        for name, value in metrics.items():
            lines = (run / "metrics" / split / name).read_text(encoding="utf-8").splitlines()
            assert split == "train" or float(lines[-1].split()[1]) == pytest.approx(value)
    kept = {path.name for path in (run / "artifacts").iterdir()}
    assert {*(f"{figure}.png" for figure in FIGURES), "mistakes.csv", "best.ckpt"} <= kept
    assert (run / "artifacts" / "best.ckpt").read_bytes() == (RUN / "checkpoints" / "best.ckpt").read_bytes()


def test_weights_and_biases(zoo_process: Command) -> None:
    pytest.importorskip("wandb")
    done = zoo_process(*FIT, "WandbLogger", "--trainer.logger.offline", "true", "--trainer.logger.save_dir", ".")
    assert done.code == 0, done.err
    (path,) = Path("wandb").glob("offline-run-*/run-*.wandb")
    content = path.read_bytes()
    for name in (*(f"test/{name}" for name in results()["test"]), "train/acc", "val/acc", "data.batch_size"):
        assert name.encode() in content, name
    assert b"best.ckpt" in content
    images = {image.name.partition("_")[0] for image in path.parent.rglob("media/images/*.png")}
    assert images == {*FIGURES}


def test_a_tracker_that_cannot_be_set_up_is_told(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    done = zoo_command(*FIT, "WandbLogger")
    assert done.code == 2
    assert done.err.splitlines()[-1].startswith("zoo: error: WandbLogger cannot be set up: ")
    assert not RUN.exists()
