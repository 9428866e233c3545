"""``zoo fit``, by running it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml
from conftest import TEST, TRAIN, Command, write_idx
from documents import DOCUMENTED
from PIL import Image
from running import DIGITS, DIGITS_ON_CPU, ONE_EPOCH, weights

from zoo.factory import model_class
from zoo.training.metrics_file import read_metrics


def test_fit_reports_and_leaves_a_run_folder(zoo_command: Command, shared_root: Path, tmp_path: Path) -> None:
    sizes = ("--data.root", shared_root, "--data.val_size", 51)
    done = zoo_command("fit", "--model", "slp", "--data", "mnist", *sizes, "--trainer.max_epochs", 3)
    assert done.code == 0
    header, *rest = done.out.splitlines()
    for part in (
        "slp",
        "7,850 parameters",
        "mnist",
        "250 train",
        "51 val",
        f"{TEST} test",
        "3 epochs",
        "runs/slp-mnist/1",
    ):
        assert part in header
    assert "best checkpoint, after epoch 3 of 3" in done.out
    rows = {line.split()[0]: line.split()[1:] for line in rest if line}
    assert {"train", "val", "test"} <= rows.keys()

    folder = tmp_path / "runs" / "slp-mnist" / "1"
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert list(results) == [
        *("model", "data", "parameters", "epochs", "steps", "seed", "seconds", "command", "sizes"),
        *("metrics", "versions", "checkpoint", "baselines", "classes", "calibration"),
    ]
    assert results["model"] == "slp"
    assert results["command"].startswith("zoo fit --model slp --data mnist ")
    assert results["data"] == "mnist"
    assert results["parameters"] == 7850
    assert results["epochs"] == 3
    assert results["steps"] == 3 * 4  # 250 examples are 3 batches of 64 and one of 58
    for split in ("train", "val", "test"):
        assert rows[split][:2] == [f"{results['metrics'][split][name]:.4f}" for name in ("loss", "acc")]
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert list((folder / "tensorboard").glob("events.*"))
    assert [row["epoch"] for row in read_metrics(folder / "metrics.csv")] == [0, 1, 2]
    for figure in ("curves", "mistakes", "confusion", "calibration"):
        with Image.open(folder / f"{figure}.png") as image:
            assert image.width > 400
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10
    for name in ("results.json", "config.yaml", "curves.png", "checkpoints/best.ckpt"):
        assert str(Path("runs/slp-mnist/1", name)) in done.out
    assert f"zoo fit --config {Path('runs/slp-mnist/1/config.yaml')}" in done.out


def test_fit_says_nothing_else(zoo_process: Command) -> None:
    done = zoo_process("fit", "slp", *DIGITS, *ONE_EPOCH)
    assert done.code == 0
    assert "epoch 1/1: train loss" in done.out
    for noise in (
        "arning",
        "Tip",
        "GPU available",
        "`Trainer.fit` stopped",
        "litlogger",
        "FLOPs",
        "Flops",
        "split_metrics",
    ):
        assert noise not in done.out + done.err
    summary = [line.split() for line in done.err.splitlines() if line.strip()]
    assert summary == [
        ["Name", "Type", "Params", "In", "sizes", "Out", "sizes"],
        ["0", "fc", "Linear", "7.9", "K", "[1,", "784]", "[1,", "10]"],
        ["7,850", "parameters,", "0.031", "MB"],
    ]


def test_equal_seeds_give_equal_weights_and_others_others(zoo_command: Command, tmp_path: Path) -> None:
    for seed in (0, 0, 1):
        assert zoo_command("fit", "mlp", *DIGITS, *ONE_EPOCH, "--seed", seed).code == 0
    first, second, other = (weights(tmp_path / f"runs/mlp-digits/{n}/checkpoints/last.ckpt") for n in (1, 2, 3))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)


@pytest.mark.parametrize(
    ("name", "batch_size", "told", "threads"),
    [
        ("slp", 64, {}, 1),
        ("slp", 64, {"OMP_NUM_THREADS": "2"}, 2),
        ("slp", 512, {}, 0),
        ("digits_cnn", 16, {}, 1),
        ("ffnn", 64, {}, 0),
    ],
)
def test_small_networks_compute_with_one_thread(
    name: str, batch_size: int, told: dict[str, str], threads: int, tmp_path: Path
) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"} | told
    default = "import torch; print(torch.get_num_threads())"
    words = ["-m", "zoo", "fit", name, *DIGITS, *ONE_EPOCH, "--trainer.limit_train_batches", "1"]
    words += ["--data.batch_size", str(batch_size)]
    for command in (["-c", default], words):
        done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=True)
        threads = threads or int(done.stdout)
    results = json.loads((tmp_path / f"runs/{name}-digits/1/results.json").read_text(encoding="utf-8"))
    assert results["versions"]["threads"] == str(threads)


def test_without_data_at_hand_the_run_warns_and_takes_the_digits(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *ONE_EPOCH, "--data.root", "nowhere", "--data.batch_size", 32)
    assert done.code == 0
    assert f"WARNING: MNIST is not in {Path('nowhere/MNIST/raw')}" in done.err
    assert "results are NOT those of mnist" in done.err
    assert "--data.root is ignored" in done.err
    assert "digits (1,257 train, 180 val, 360 test)" in done.out.splitlines()[0]
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))
    assert results["data"] == "digits"
    config = yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8"))
    assert config["data"] == {
        "name": "digits",
        "image_size": 28,
        "channels": 1,
        "augment": False,
        "batch_size": 32,
        "val_size": 180,
    }
    assert zoo_command("fit", "--config", "runs/slp-digits/1/config.yaml").err.count("WARNING") == 0


@pytest.mark.parametrize("name", [n for n in DOCUMENTED if model_class(n).takes == "image"])
def test_every_network_of_pictures_runs_without_data_at_hand(name: str, zoo_command: Command) -> None:
    done = zoo_command("fit", name, "--trainer.max_epochs", 1, "--trainer.limit_train_batches", 2)
    assert done.code == 0, done.err
    assert "Training on the embedded digits instead" in done.err
    assert "val/loss" in Path(f"runs/{name}-digits/1/metrics.csv").read_text(
        encoding="utf-8"
    )  # also where the document counts steps


def test_without_reviews_it_is_told_how_to_get_them(zoo_command: Command) -> None:
    done = zoo_command("fit", "bilstm_sentiment", "--trainer.max_epochs", 1)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "get aclImdb_v1.tar.gz from https://" in done.err
    assert not Path("runs").exists()


def test_val_size_0_reports_the_last_epoch_and_says_so(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, "--data.val_size", 0, "--trainer.max_epochs", 2)
    assert done.code == 0
    assert "1,437 train, 360 test" in done.out
    assert "Without a validation part" in done.out
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))
    assert results["metrics"]["val"] is None
    assert results["checkpoint"].endswith("last.ckpt")
    last = read_metrics(Path("runs/slp-digits/1/metrics.csv"))[-1]
    assert last["val/acc"] == pytest.approx(results["metrics"]["test"]["acc"])


def test_patience_stops_early(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 50, "--model.lr", 1e-9, "--patience", 2).code == 0
    assert json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))["epochs"] < 50


@pytest.mark.parametrize("command", ["test", "fit"])
def test_a_precision_that_the_processor_lacks_is_refused(
    command: str, zoo_process: Command, zoo_command: Command
) -> None:
    """oneDNN, kept from what newer processors have, is what older ones have."""
    few = [w for split in ("train", "val", "test") for w in (f"--trainer.limit_{split}_batches", "1")]
    assert zoo_command("fit", "lstm", *DIGITS, *ONE_EPOCH, *few).code == 0
    word = ["--ckpt", "runs/lstm-digits/1/checkpoints/last.ckpt"] if command == "test" else ["lstm"]
    options = [*DIGITS, "--trainer.precision", "bf16-mixed", "--trainer.accelerator", "cpu", "--out", "new"]
    done = zoo_process(command, *word, *(options[:-2] if command == "test" else options), ONEDNN_MAX_CPU_ISA="SSE41")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "--trainer.precision bf16-mixed does not work for this network on this CPU" in done.err
    assert not Path("new").exists()


@pytest.mark.parametrize("monitor", ["step", "epoch", "train/acc"])
def test_what_lightning_can_monitor(monitor: str, zoo_command: Command) -> None:
    choose = ("--trainer.callbacks+=ModelCheckpoint", "--trainer.callbacks.monitor", monitor)
    done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, *choose, "--trainer.callbacks.mode", "max")
    assert done.code == 0, done.err


def test_names_and_folders_of_runs(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--out", "a/b", "--name", "mine").code == 0
    assert Path("a/b/mine/1/results.json").exists()


DRAWING = """
import random
from lightning.pytorch import Callback


class Draws(Callback):
    def __init__(self) -> None:
        with open("drawn.txt", "a", encoding="utf-8") as file:
            file.write(f"{random.random()}\\n")
"""


def test_a_callback_of_the_users_is_built_once_and_seeded(
    zoo_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "drawing.py").write_text(DRAWING, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    words = (
        "fit",
        "slp",
        *DIGITS,
        *ONE_EPOCH,
        "--data.batch_size_per_device",
        20,
        "--trainer.callbacks+=drawing.Draws",
    )
    for _ in range(2):
        assert zoo_command(*words).code == 0
    first, second = (tmp_path / "drawn.txt").read_text(encoding="utf-8").splitlines()
    assert first == second


def test_fast_dev_run_leaves_no_checkpoint(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, "--trainer.fast_dev_run", "true")
    assert done.code == 0
    assert "without a checkpoint" in done.out
    assert not list(Path("runs").rglob("*.ckpt"))
    assert {"metrics.csv", "curves.png", "tensorboard"} <= {path.name for path in Path("runs/slp-digits/1").iterdir()}


@pytest.mark.parametrize(
    "options",
    [
        ["--trainer.callbacks+=Timer", "--trainer.callbacks.duration", "00:01:00:00"],
        ["--trainer.profiler", "pytorch"],
        ["--trainer.check_val_every_n_epoch", 2, "--model.lr_scheduler", "ReduceLROnPlateau"],
    ],
)
def test_options_of_lightning_and_torch(options: list[object], zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, *options)
    assert done.code == 0, done.err
    done = zoo_command("fit", "--config", "runs/slp-digits/1/config.yaml", "--trainer.max_epochs", 1)
    assert done.code == 0, done.err


def test_trainer_flags_and_callbacks_reach_the_trainer(zoo_command: Command) -> None:
    flags = ("--trainer.max_steps", 3, "--trainer.gradient_clip_val", 0.5, "--trainer.accumulate_grad_batches", 2)
    user = ("--trainer.callbacks+=LearningRateMonitor", "--trainer.precision", "bf16-mixed")
    assert zoo_command("fit", "slp", *DIGITS, *flags, *user).code == 0
    assert json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))["steps"] == 3
    assert any("lr-SGD" in row for row in read_metrics(Path("runs/slp-digits/1/metrics.csv")))


def test_a_corrupt_data_file_is_named(zoo_command: Command, mnist_folder: Path, tmp_path: Path) -> None:
    labels = mnist_folder / "train-labels-idx1-ubyte"
    write_idx(labels, torch.full((TRAIN,), 77))
    for choice in ([], ["--data", "mnist"]):  # damaged is not absent: there is no falling back
        done = zoo_command("fit", "slp", *choice, "--data.root", mnist_folder.parents[1], "--data.val_size", 9)
        assert done.code == 2
        assert str(labels) in done.err
        assert not (tmp_path / "runs").exists()


def test_the_validation_part_may_be_a_share(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--data.val_size", "0.25")
    assert done.code == 0, done.err
    assert "digits (1,078 train, 359 val, 360 test)" in done.out
    config = "runs/slp-digits/1/config.yaml"
    again = zoo_command("fit", "--config", config, "--ckpt_path", "last", "--trainer.max_epochs", "2")
    assert again.code == 0, again.err
    assert "digits (1,078 train, 359 val, 360 test)" in again.out
    tested = zoo_command("test", "--ckpt", "runs/slp-digits/1/checkpoints/last.ckpt")
    assert "digits (1,078 train, 359 val, 360 test)" in tested.out
    for share in ("1.0", "-0.1", "nan", "0.0001"):
        done = zoo_command("fit", "slp", *DIGITS, "--data.val_size", share)
        assert done.code == 2
        assert done.err.count("\n") == 1
        assert "val_size" in done.err


def test_without_checkpoints_a_run_ends_well(zoo_command: Command) -> None:
    done = zoo_command(
        "fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1, "--trainer.enable_checkpointing", "false"
    )
    assert done.code == 0, done.err
    assert "the network as it is, without a checkpoint" in done.out
    assert not list(Path("runs").rglob("*.ckpt"))


def test_the_batch_of_each_process(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1, "--data.batch_size_per_device", 50)
    assert zoo_command(*words).code == 0
    assert yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8"))["data"]["batch_size"] == 50
    done = zoo_command(*words, "--data.batch_size", 100)
    assert done.code == 2
    assert "exclude each other" in done.err
    longer = (*words, "--trainer.max_epochs", 2, "--ckpt_path", "last")  # as a job that is started again repeats it
    assert zoo_command(*longer).code == 0
    done = zoo_command(*longer, "--data.batch_size_per_device", 25, "--trainer.max_epochs", 3)
    assert done.code == 2
    assert "has batches of 50; start a new run" in done.err


def test_the_batch_of_each_of_two_processes(zoo_process: Command) -> None:
    two = ("--trainer.devices", 2, "--trainer.strategy", "ddp", "--trainer.max_epochs", 1)
    done = zoo_process("fit", "slp", *DIGITS_ON_CPU, *two, "--data.batch_size_per_device", 50)
    assert done.code == 0, done.err
    assert (
        yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8"))["data"]["batch_size"] == 100
    )
