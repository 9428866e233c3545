"""The command line, by running it."""

from __future__ import annotations

import contextlib
import csv
import fcntl
import json
import os
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
import yaml
from conftest import TEST, TRAIN, Command, write_idx
from PIL import Image

import zoo
from zoo.commands.parser import COMMON_NAMES, fit_parser
from zoo.factory import datamodule_class, model_class
from zoo.launch.launchers import NUMBERS
from zoo.support.signatures import arguments_of
from zoo.training.metrics_file import read_metrics

DIGITS = ("--data", "digits")
ONE_EPOCH = ("--trainer.max_epochs", "1", "--trainer.accelerator", "cpu")


@pytest.fixture
def trained(zoo_command: Command, tmp_path: Path) -> Path:
    """The folder of a finished run of slp on digits."""
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH).code == 0
    return tmp_path / "runs" / "slp-digits" / "1"


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
    return state


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
    results = json.loads((folder / "results.json").read_text())
    assert list(results) == [
        *("model", "data", "parameters", "epochs", "steps", "seed", "seconds", "command", "sizes"),
        *("metrics", "versions", "checkpoint"),
    ]
    assert results["model"] == "slp"
    assert results["command"].startswith("zoo fit --model slp --data mnist ")
    assert results["data"] == "mnist"
    assert results["parameters"] == 7850
    assert results["epochs"] == 3
    assert results["steps"] == 3 * 4  # 250 examples are 3 batches of 64 and one of 58
    for split in ("train", "val", "test"):
        assert rows[split] == [f"{results['metrics'][split][name]:.4f}" for name in ("loss", "acc")]
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert list((folder / "tensorboard").glob("events.*"))
    assert [row["epoch"] for row in read_metrics(folder / "metrics.csv")] == [0, 1, 2]
    for figure in ("curves", "predictions", "confusion"):
        with Image.open(folder / f"{figure}.png") as image:
            assert image.width > 400
            assert len(image.convert("RGB").getcolors(1 << 20) or []) > 10
    for name in ("results.json", "config.yaml", "curves.png", "checkpoints/best.ckpt"):
        assert f"runs/slp-mnist/1/{name}" in done.out
    assert "zoo fit --config runs/slp-mnist/1/config.yaml" in done.out


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


def test_the_reported_metrics_are_those_of_the_best_checkpoint(zoo_command: Command, trained: Path) -> None:
    results = json.loads((trained / "results.json").read_text())
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


def test_equal_seeds_give_equal_weights_and_others_others(zoo_command: Command, tmp_path: Path) -> None:
    for seed in (0, 0, 1):
        assert zoo_command("fit", "mlp", *DIGITS, *ONE_EPOCH, "--seed", seed).code == 0
    first, second, other = (weights(tmp_path / f"runs/mlp-digits/{n}/checkpoints/last.ckpt") for n in (1, 2, 3))
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert not any(torch.equal(first[key], other[key]) for key in first)


def test_the_config_repeats_the_run_exactly(zoo_command: Command, tmp_path: Path) -> None:
    options = ("--model.hidden_dim", 20, "--model.optimizer", "Adam", "--model.lr", 1e-3, "--data.batch_size", 100)
    more = ("--model.optimizer_args", "{betas: [0.8, 0.9]}", "--model.l2", 1e-4, "--seed", 3, "--patience", 5)
    assert zoo_command("fit", "mlp", *DIGITS, "--trainer.max_epochs", 2, *options, *more).code == 0
    runs = tmp_path / "runs" / "mlp-digits"
    assert zoo_command("fit", "--config", runs / "1" / "config.yaml").code == 0
    first, second = (weights(runs / n / "checkpoints" / "last.ckpt") for n in ("1", "2"))
    assert all(torch.equal(first[key], second[key]) for key in first)
    configs = [(runs / number / "config.yaml").read_text().partition("\n") for number in "12"]
    assert configs[0][0].startswith("# zoo fit --model mlp --data digits")
    assert configs[0][2] == configs[1][2]  # all but the command
    metrics = [json.loads((runs / n / "results.json").read_text())["metrics"] for n in ("1", "2")]
    assert metrics[0] == metrics[1]
    assert first["fc1.weight"].shape == (20, 784)


def test_print_config_is_a_config(zoo_command: Command, tmp_path: Path) -> None:
    printed = zoo_command("fit", "slp", *DIGITS, "--model.lr", 0.25, "--print_config")
    assert printed.code == 0
    config = yaml.safe_load(printed.out)
    assert config["model"]["name"] == "slp"
    assert config["model"]["lr"] == 0.25
    assert config["data"]["name"] == "digits"
    (tmp_path / "c.yaml").write_text(printed.out)
    assert zoo_command("fit", "--config", "c.yaml", *ONE_EPOCH).code == 0
    assert zoo.load_model("runs/slp-digits/1/checkpoints/last.ckpt").hparams["lr"] == 0.25


def test_the_command_line_overrides_the_config(zoo_command: Command, trained: Path) -> None:
    config = trained / "config.yaml"
    assert zoo_command("fit", "--config", config, "--model.lr", 0.125, "--seed", 4, "--out", "elsewhere").code == 0
    results = json.loads(Path("elsewhere/slp-digits/1/results.json").read_text())
    assert results["seed"] == 4
    assert zoo.load_model("elsewhere/slp-digits/1/checkpoints/last.ckpt").hparams["lr"] == 0.125


def test_a_config_of_other_data_or_another_network_gives_what_is_left(zoo_command: Command, shared_root: Path) -> None:
    own = ("--data.root", shared_root, "--data.val_size", 51, "--data.padding", 2, "--data.batch_size", 50)
    assert (
        zoo_command("fit", "mlp", "--data", "mnist", *own, *ONE_EPOCH, "--model.hidden_dim", 7, "--seed", 3).code == 0
    )
    config = ("--config", "runs/mlp-mnist/1/config.yaml")
    done = zoo_command("fit", *config, *DIGITS, *ONE_EPOCH)
    assert done.code == 0, done.err
    assert "zoo: --data is digits: the options of mnist in runs/mlp-mnist/1/config.yaml are not used" in done.err
    used = yaml.safe_load(Path("runs/mlp-digits/1/config.yaml").read_text())
    assert (used["seed"], used["model"]["hidden_dim"], used["data"]["batch_size"]) == (3, 7, 64)
    done = zoo_command("fit", "slp", *config, "--data.val_size", 50)
    assert done.code == 0, done.err
    assert "zoo: --model is slp: the options of mlp in runs/mlp-mnist/1/config.yaml are not used" in done.err
    used = yaml.safe_load(Path("runs/slp-mnist/1/config.yaml").read_text())
    assert (used["seed"], used["model"]["lr"], used["data"]["padding"], used["data"]["val_size"]) == (3, 0.5, 2, 50)


@pytest.mark.parametrize(
    ("name", "told", "threads"), [("slp", {}, 1), ("slp", {"OMP_NUM_THREADS": "2"}, 2), ("ffnn", {}, 0)]
)
def test_small_networks_compute_with_one_thread(name: str, told: dict[str, str], threads: int, tmp_path: Path) -> None:
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"} | told
    default = "import torch; print(torch.get_num_threads())"
    words = ["-m", "zoo", "fit", name, *DIGITS, *ONE_EPOCH, "--trainer.limit_train_batches", "1"]
    for command in (["-c", default], words):
        done = subprocess.run([sys.executable, *command], env=environment, capture_output=True, text=True, check=True)
        threads = threads or int(done.stdout)
    results = json.loads((tmp_path / f"runs/{name}-digits/1/results.json").read_text())
    assert results["versions"]["threads"] == str(threads)


def test_without_data_at_hand_the_run_warns_and_takes_the_digits(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *ONE_EPOCH, "--data.root", "nowhere", "--data.batch_size", 32)
    assert done.code == 0
    assert "WARNING: MNIST is not in nowhere/MNIST/raw" in done.err
    assert "results are NOT those of mnist" in done.err
    assert "--data.root is not used" in done.err
    assert "digits (1,257 train, 180 val, 360 test)" in done.out.splitlines()[0]
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text())
    assert results["data"] == "digits"
    config = yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text())
    assert config["data"] == {
        "name": "digits",
        "image_size": 28,
        "channels": 1,
        "augment": False,
        "batch_size": 32,
        "val_size": 180,
    }
    assert zoo_command("fit", "--config", "runs/slp-digits/1/config.yaml").err.count("WARNING") == 0


@pytest.mark.parametrize("name", [n for n in zoo.list_models() if model_class(n).takes == "image"])
def test_every_network_of_pictures_runs_without_data_at_hand(name: str, zoo_command: Command) -> None:
    done = zoo_command("fit", name, "--trainer.max_epochs", 1, "--trainer.limit_train_batches", 2)
    assert done.code == 0, done.err
    assert "Training on the embedded digits instead" in done.err
    assert "val/loss" in Path(f"runs/{name}-digits/1/metrics.csv").read_text()  # also where the document counts steps


def test_without_reviews_it_is_told_how_to_get_them(zoo_command: Command) -> None:
    done = zoo_command("fit", "bilstm_sentiment", "--trainer.max_epochs", 1)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert "get aclImdb_v1.tar.gz from https://" in done.err
    assert not Path("runs").exists()


def test_val_size_0_reports_the_last_epoch_and_says_so(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, "--data.val_size", 0, "--trainer.max_epochs", 2)
    assert done.code == 0
    assert "1,437 train, 360 test" in done.out
    assert "No part was held out" in done.out
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text())
    assert results["metrics"]["val"] is None
    assert results["checkpoint"].endswith("last.ckpt")
    last = read_metrics(Path("runs/slp-digits/1/metrics.csv"))[-1]
    assert last["val/acc"] == pytest.approx(results["metrics"]["test"]["acc"])


def test_patience_stops_early(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 50, "--model.lr", 1e-9, "--patience", 2).code == 0
    assert json.loads(Path("runs/slp-digits/1/results.json").read_text())["epochs"] < 50


def test_a_run_goes_on_from_its_last_checkpoint_in_its_folder(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    done = zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 3, "--ckpt_path", "last")
    assert done.code == 0
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 3).code == 0
    assert [row["step"] for row in read_metrics(Path("runs/slp-digits/1/metrics.csv"))] == [19, 39, 59]
    resumed, at_once = (weights(Path(f"runs/slp-digits/{n}/checkpoints/last.ckpt")) for n in (1, 2))
    assert all(torch.equal(resumed[key], at_once[key]) for key in resumed)


def test_a_run_goes_on_from_a_copied_file_in_a_new_folder(zoo_command: Command, trained: Path) -> None:
    (trained / "checkpoints" / "last.ckpt").rename("copied.ckpt")
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, "--ckpt_path", "copied.ckpt").code == 0
    assert json.loads(Path("runs/slp-digits/2/results.json").read_text())["epochs"] == 2


def test_a_resumed_run_keeps_its_options_its_best_and_its_folder(zoo_command: Command) -> None:
    own = ("--model.lr", 0.25, "--seed", 5, "--data.batch_size", 32)
    assert zoo_command("fit", "slp", *DIGITS, *own, "--trainer.max_epochs", 2).code == 0
    best = Path("runs/slp-digits/1/checkpoints/best.ckpt").read_bytes()
    done = zoo_command("fit", "slp", "--ckpt_path", "last", "--trainer.max_epochs", 3, "--trainer.limit_val_batches", 1)
    assert done.code == 0, done.err
    config = yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text())
    assert (config["model"]["lr"], config["seed"], config["data"]["batch_size"]) == (0.25, 5, 32)
    assert sorted(p.name for p in Path("runs/slp-digits/1/checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert Path("runs/slp-digits/1/checkpoints/best.ckpt").read_bytes() != best  # the third epoch was better
    for other in (("--model.lr", 0.5), ("--seed", 6), ("--data.val_size", 7)):
        done = zoo_command("fit", "slp", "--ckpt_path", "last", *other)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert other[0] in done.err


def test_a_worse_epoch_after_resuming_is_not_the_best(zoo_command: Command, trained: Path) -> None:
    last = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)
    (state,) = [value for key, value in last["callbacks"].items() if key.startswith("ModelCheckpoint")]
    state["best_model_score"] = torch.tensor(-1.0)  # nothing will be better than that
    state["best_k_models"] = dict.fromkeys(state["best_k_models"], torch.tensor(-1.0))
    state["kth_value"] = torch.tensor(-1.0)
    torch.save(last, trained / "checkpoints" / "last.ckpt")
    done = zoo_command("fit", "slp", *DIGITS, "--ckpt_path", "last", "--trainer.max_epochs", 3)
    assert "best checkpoint, after epoch 1 of 3" in done.out


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


def test_a_long_run_leaves_some_thirty_lines(zoo_command: Command) -> None:
    done = zoo_command("fit", "xor", "--trainer.max_epochs", 1500)
    lines = [line for line in done.out.splitlines() if line.startswith("epoch ")]
    assert len(lines) == 30
    assert all("; val loss" in line and len(line) <= 80 for line in lines)


def test_on_a_terminal_of_80_columns_each_epoch_leaves_a_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "zoo", "fit", "slp", *DIGITS, *ONE_EPOCH[2:], "--trainer.max_epochs", "3"]
    read, write = os.openpty()
    fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    with subprocess.Popen(command, stdout=write, stderr=write, cwd=tmp_path) as running:
        os.close(write)
        written = b""
        with contextlib.suppress(OSError):  # at its end a terminal gives no end of file, but an error
            while chunk := os.read(read, 4096):
                written += chunk
    os.close(read)
    assert running.returncode == 0
    # What a terminal shows of a line is what was written over it last.
    shown = [line.rstrip("\r").rpartition("\r")[2] for line in written.decode().split("\n")]
    assert [line[:23] for line in shown if line.startswith("epoch ")] == [
        f"epoch {n}/3: train loss 0" for n in (1, 2, 3)
    ]
    bars = [part for line in written.decode().split("\n") for part in line.split("\r") if "it/s" in part]
    assert any("val/loss=0" in bar for bar in bars)
    assert max(map(len, bars)) <= 84  # with the control characters of a second bar


def test_the_users_loggers_get_the_test_metrics(zoo_command: Command) -> None:
    logger = ("--trainer.logger", "CSVLogger", "--trainer.logger.save_dir", "mine")
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, *logger).code == 0
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text())
    (path,) = Path("mine").rglob("metrics.csv")
    with path.open() as file:
        rows = list(csv.DictReader(file))
    (row,) = [row for row in rows if row["test/acc"]]
    assert float(row["test/acc"]) == pytest.approx(results["metrics"]["test"]["acc"])
    assert "test/acc" not in Path("runs/slp-digits/1/metrics.csv").read_text()


def test_an_interrupted_evaluation_can_be_made_up_for(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as interrupted:
        interrupted.setattr("zoo.reports.report.evaluate", Mock(side_effect=KeyboardInterrupt))
        done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH)
    assert done.code == 130
    assert "The training is complete; interrupted in the closing evaluation." in done.out
    (line,) = [line for line in done.out.splitlines() if line.startswith("report ")]
    assert zoo_command(*line.split()[2:]).code == 0
    assert Path("runs/slp-digits/1/results.json").exists()


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


def test_a_folder_called_like_a_device_is_no_class(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, *ONE_EPOCH, "--out", "cpu")
    assert zoo_command(*words).code == 0
    assert zoo_command("fit", "slp", *DIGITS, "--out", "cpu", "--ckpt_path", "last").code == 0


@pytest.mark.parametrize("monitor", ["step", "epoch", "train/acc"])
def test_what_lightning_can_monitor(monitor: str, zoo_command: Command) -> None:
    choose = ("--trainer.callbacks+=ModelCheckpoint", "--trainer.callbacks.monitor", monitor)
    done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, *choose, "--trainer.callbacks.mode", "max")
    assert done.code == 0, done.err


def test_names_and_folders_of_runs(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--out", "a/b", "--name", "mine").code == 0
    assert Path("a/b/mine/1/results.json").exists()


def test_fast_dev_run_leaves_no_checkpoint(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, "--trainer.fast_dev_run", "true")
    assert done.code == 0
    assert "without a checkpoint" in done.out
    assert not list(Path("runs").rglob("*.ckpt"))


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
    assert json.loads(Path("runs/slp-digits/1/results.json").read_text())["steps"] == 3
    assert any("lr-SGD" in row for row in read_metrics(Path("runs/slp-digits/1/metrics.csv")))


# What is answered at once


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["fit", "--help"], ["test", "--help"], ["list"]])
def test_help_without_a_model_lists_the_zoo(words: list[str], zoo_command: Command) -> None:
    done = zoo_command(*words)
    assert done.code == 0
    for name in zoo.list_models() + zoo.list_datamodules():
        assert name in done.out


def test_help_of_predict_and_list(zoo_command: Command) -> None:
    assert "PICTURE" in zoo_command("predict", "--help").out
    assert "--names" in zoo_command("list", "--help").out
    assert zoo_command("help").out == zoo_command("--help").out
    assert zoo_command("help", "fit").out == zoo_command("fit", "--help").out
    assert zoo_command("list", "--names").out.split() == zoo.list_models()
    assert zoo_command("--version").out.strip() == zoo.__version__


@pytest.mark.parametrize("name", zoo.list_models())
def test_help_of_a_model_shows_its_own_arguments(name: str, zoo_command: Command) -> None:
    done = zoo_command("fit", "--model", name, "--help")
    assert done.code == 0
    for argument in arguments_of(model_class(name)):
        assert f"--model.{argument}" in done.out
    assert "PICTURE" in zoo_command("predict", "--model", name, "--help").out
    assert "--trainer.max_epochs" in done.out
    assert "--data.val_size" in done.out
    assert "such as ``{momentum: 0.9}``" in " ".join(done.out.split())  # of the options that all networks share
    assert "--data.val_size" in zoo_command("test", "--model", name, "--help").out


def test_instant_answers_import_nothing_heavy() -> None:
    for words in (["--help"], ["list"], ["fit", "--help"], ["fit", "slpp"]):
        code = f"main({words}); print({{'torch', 'lightning'}} & set(sys.modules))"
        code = f"import sys; from zoo.commands.cli import main; {code}"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == "set()", words


# Bad input: one line, exit code 2, nothing written


BAD = {
    "no command": ["fitt", "slp"],
    "no model": ["fit"],
    "unknown model": ["fit", "--model", "slpp"],
    "unknown data": ["fit", "slp", "--data", "mnits"],
    "model without a name": ["fit", "--model", "--data", "digits"],
    "misspelt option": ["fit", "mlp", *DIGITS, "--model.hiden_dim", "3"],
    "option of another model": ["fit", "slp", *DIGITS, "--model.hidden_dim", "3"],
    "abbreviated option": ["fit", "slp", *DIGITS, "--trainer.max_epoch", "3"],
    "stray word": ["fit", "slp", "digits"],
    "batch size": ["fit", "slp", *DIGITS, "--data.batch_size", "-3"],
    "val_size of all": ["fit", "slp", *DIGITS, "--data.val_size", "1437"],
    "val_size not whole": ["fit", "slp", *DIGITS, "--data.val_size", "1.5"],
    "lr nan": ["fit", "slp", *DIGITS, "--model.lr", "nan"],
    "lr .nan": ["fit", "slp", *DIGITS, "--model.lr", ".nan"],
    "lr infinite": ["fit", "slp", *DIGITS, "--model.lr", ".inf"],
    "lr a word": ["fit", "slp", *DIGITS, "--model.lr", "fast"],
    "loss": ["fit", "slp", *DIGITS, "--model.loss", "nll"],
    "loss unknown": ["fit", "slp", *DIGITS, "--model.loss", "mean"],
    "optimizer": ["fit", "slp", *DIGITS, "--model.optimizer", "Adamm"],
    "optimizer that fits no such network": ["fit", "slp", *DIGITS, "--model.optimizer", "Muon"],
    "momentum": ["fit", "slp", *DIGITS, "--model.optimizer_args", "{momentum: -1}"],
    "size of the input": ["fit", "slp", *DIGITS, "--model.in_dim", "100"],
    "hidden units": ["fit", "mlp", *DIGITS, "--model.hidden_dim", "0"],
    "precision": ["fit", "slp", *DIGITS, "--trainer.precision", "bf17"],
    "accelerator": ["fit", "slp", *DIGITS, "--trainer.accelerator", "abacus"],
    "devices": ["fit", "slp", *DIGITS, "--trainer.accelerator", "cpu", "--trainer.devices", "10000"],
    "devices a word": ["fit", "slp", *DIGITS, "--trainer.devices", "two"],
    "another sampler": ["fit", "slp", *DIGITS, "--trainer.overfit_batches", "1"],
    "strategy": ["fit", "slp", *DIGITS, "--trainer.strategy", "dpp"],
    "batches beyond counting": ["fit", "slp", *DIGITS, "--data.batch_size", "100000000000000000000"],
    "batches of no step": ["fit", "slp", *DIGITS, "--trainer.accumulate_grad_batches", "0"],
    "more than memory": ["fit", "mlp", *DIGITS, "--model.hidden_dim", "99999999999"],
    "patience": ["fit", "slp", *DIGITS, "--patience", "-1"],
    "checkpoint is a folder": ["test", "--ckpt", "."],
    "config of nothing": ["fit", "slp", *DIGITS, "--config", "empty.yaml"],
    "export into a folder": ["export", "--model", "slp", "--weights", "mnist", "--format", "pt2", "--out", "."],
    "size of nothing": ["fit", "linear", "--data.size", "0"],
    "negative size": ["fit", "custom_function", "--data.size", "-1"],
    "strategy of GPUs": ["fit", "slp", *DIGITS, "--trainer.accelerator", "cpu", "--trainer.strategy", "fsdp"],
    "patience without validation": ["fit", "slp", *DIGITS, "--data.val_size", "0", "--patience", "3"],
    "explicit data absent": ["fit", "slp", "--data", "mnist"],
    "config missing": ["fit", "slp", "--config", "nothing.yaml"],
    "config not yaml": ["fit", "--config", "broken.yaml"],
    "config a word": ["fit", "--config", "word.yaml"],
    "config of other things": ["fit", "--config", "other.yaml"],
    "config without a model": ["fit", "--config", "empty.yaml"],
    "nothing to resume": ["fit", "slp", *DIGITS, "--ckpt_path", "last"],
    "resume from nothing": ["fit", "slp", *DIGITS, "--ckpt_path", "nothing.ckpt"],
    "resume from an address": ["fit", "slp", *DIGITS, "--ckpt_path", "https://example.org/a.ckpt"],
    "out is a file": ["fit", "slp", *DIGITS, "--out", "word.yaml"],
    "test without a checkpoint": ["test"],
    "test of nothing": ["test", "--ckpt", "nothing.ckpt"],
    "test of a text": ["test", "--ckpt", "word.yaml"],
    "test of an empty file": ["test", "--ckpt", "empty.yaml"],
    "test of an address": ["test", "--ckpt", "s3://bucket/a.ckpt"],
    "test of a folder": ["test", "--ckpt", "."],
    "predict without a checkpoint": ["predict", "image.png"],
    "predict nothing": ["predict", "--ckpt", "word.yaml"],
    "predict with an option": ["predict", "--ckpt", "word.yaml", "--size", "3"],
    "list with an option": ["list", "--all"],
    "describe nothing": ["describe", "nothing"],
    "describe without a name": ["describe"],
    "two models": ["fit", "slp", "--model", "mlp"],
    "negative seed": ["fit", "slp", *DIGITS, "--seed", "-1"],
    "spawned processes": ["fit", "slp", *DIGITS, "--trainer.strategy", "ddp_spawn"],
    "plateau without validation": [
        *("fit", "slp", *DIGITS, "--data.val_size", "0", "--model.lr_scheduler", "ReduceLROnPlateau")
    ],
    "more batches than there are": ["fit", "slp", *DIGITS, "--trainer.val_check_interval", "1000"],
    "limit of no batch": ["fit", "slp", *DIGITS, "--trainer.limit_train_batches", "1e-9"],
    "limit of no validation batch": ["fit", "slp", *DIGITS, "--trainer.limit_val_batches", "1e-9"],
    "share of no validation batch in the report": [
        *(
            "fit",
            "slp",
            *DIGITS,
            "--data.batch_size",
            "30",
            "--data.val_size",
            "400",
            "--trainer.limit_test_batches",
            "0.9",
        )
    ],
    "no test batch": ["fit", "slp", *DIGITS, "--trainer.limit_test_batches", "0"],
    "test without a batch": ["test", "--model", "linear", "--weights", "default", "--trainer.limit_test_batches", "0"],
    "validation in no epoch": ["fit", "slp", *DIGITS, "--trainer.check_val_every_n_epoch", "0"],
    "patience with validation off": ["fit", "slp", *DIGITS, "--patience", "1", "--trainer.limit_val_batches", "0"],
    "plateau with validation off": [
        *("fit", "slp", *DIGITS, "--trainer.limit_val_batches", "0", "--model.lr_scheduler", "ReduceLROnPlateau")
    ],
    "metric that is not measured": [
        *("fit", "slp", *DIGITS, "--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor", "val/los")
    ],
    "metric of a validation that is off": [
        *("fit", "slp", *DIGITS, "--trainer.callbacks+=EarlyStopping", "--trainer.callbacks.monitor", "val/loss"),
        *("--trainer.limit_val_batches", "0"),
    ],
    "best by a metric that is not measured": [
        *("fit", "slp", *DIGITS, "--trainer.callbacks+=ModelCheckpoint", "--trainer.callbacks.monitor", "acc")
    ],
    "progress bar without its package": ["fit", "slp", *DIGITS, "--trainer.callbacks+=RichProgressBar"],
    "logger without its package": ["fit", "slp", *DIGITS, "--trainer.logger", "WandbLogger"],
    "other logger without its package": ["fit", "slp", *DIGITS, "--trainer.logger", "MLFlowLogger"],
    "step of no epoch": [
        *("fit", "slp", *DIGITS, "--model.lr_scheduler", "StepLR", "--model.lr_scheduler_args", "{step_size: 0}")
    ],
    "cosine of no length": [
        *("fit", "slp", *DIGITS, "--model.lr_scheduler", "CosineAnnealingLR", "--model.lr_scheduler_args", "{T_max: 0}")
    ],
    "schedule shorter than the run": [
        *("fit", "slp", *DIGITS, "--model.lr_scheduler", "OneCycleLR"),
        *("--model.lr_scheduler_args", "{max_lr: 1, total_steps: 5}"),
    ],
    "cycle of no steps": [
        *("fit", "slp", *DIGITS, "--model.lr_scheduler", "CyclicLR"),
        *("--model.lr_scheduler_args", "{base_lr: 1, max_lr: 2, step_size_up: 0}"),
    ],
    "optimizer for GPUs": [
        *("fit", "slp", *DIGITS, "--model.optimizer", "Adam", "--model.optimizer_args", "{capturable: true}")
    ],
    "optimizer to be differentiated": [
        *("fit", "slp", *DIGITS, "--model.optimizer", "Adam", "--model.optimizer_args", "{differentiable: true}")
    ],
    "nodes that nothing starts": ["fit", "slp", *DIGITS, "--trainer.accelerator", "cpu", "--trainer.num_nodes", "2"],
    "processes of a notebook": ["fit", "slp", *DIGITS, "--trainer.strategy", "ddp_notebook"],
    "name in the config is no name": ["fit", "--config", "list.yaml"],
}

SUGGESTIONS = {
    "unknown model": "did you mean 'slp'?",
    "unknown data": "did you mean 'mnist'?",
    "misspelt option": "did you mean '--model.hidden_dim'?",
    "abbreviated option": "did you mean '--trainer.max_epochs'?",
    "optimizer": "did you mean 'Adam'?",
    "no command": "did you mean 'fit'?",
    "batch size": "batch_size must be at least 1, got -3",
    "val_size of all": "1437 leaves nothing to train on",
    "lr .nan": "lr must be a finite number above 0, got nan",
    "devices": "10000",
    "another sampler": "use --trainer.limit_train_batches",
    "explicit data absent": "or train on the embedded digits with --data digits",
    "more batches than there are": "give at most 20",
    "metric that is not measured": "did you mean 'val/loss'?",
    "logger without its package": "WandbLogger: Requirement 'wandb",
    "schedule shorter than the run": "the run takes 200",
    "nodes that nothing starts": "use torchrun or SLURM",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(case: str, zoo_command: Command, tmp_path: Path) -> None:
    Path("broken.yaml").write_text("model: [1, {")
    Path("word.yaml").write_text("hello")
    Path("other.yaml").write_text("model: {name: slp}\ndata: {name: digits}\nmodell: 3\n")
    Path("empty.yaml").touch()
    Path("list.yaml").write_text("model: {name: [slp]}")
    before = sorted(tmp_path.rglob("*"))
    done = zoo_command(*BAD[case])
    assert done.code == 2
    assert done.err.startswith("zoo: error: ")
    assert done.err.count("\n") == 1, done.err
    assert len(done.err) < 500
    assert done.out == ""
    assert SUGGESTIONS.get(case, "") in done.err
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        *((name, "abc", "expected a number") for name in NUMBERS),
        ("SLURM_NTASKS", "4(x2)", "expected a number"),
        ("WORLD_SIZE", "-1", "expected a number"),
        ("RANK", "1", "WORLD_SIZE is not set"),
        ("LOCAL_RANK", "2", "WORLD_SIZE is not set"),
    ],
)
def test_an_environment_that_makes_no_sense_is_told(
    name: str, value: str, told: str, zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    done = zoo_command("fit", "slp", *DIGITS)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"the environment variable {name} is " in done.err
    assert told in done.err


def test_left_over_environments_and_closed_streams_do_no_harm(tmp_path: Path) -> None:
    environment = dict.fromkeys(NUMBERS, "") | {"TORCHELASTIC_RUN_ID": "none", "MPLBACKEND": "junk"}
    words = "fit slp --data digits --trainer.max_epochs 1 --trainer.enable_model_summary false"
    done = subprocess.run(
        f"{sys.executable} -m zoo {words} >&- 2>/dev/full",
        shell=True,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0
    assert (tmp_path / "runs/slp-digits/1/results.json").exists()
    assert (tmp_path / "runs/slp-digits/1/curves.png").exists()


@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-"])
def test_an_error_that_cannot_be_told_has_its_exit_code(redirected: str) -> None:
    done = subprocess.run(f"{sys.executable} -m zoo fit slpp {redirected}", shell=True, check=False)
    assert done.returncode == 2


def test_an_environment_that_breaks_an_import_is_told(zoo_process: Command) -> None:
    done = zoo_process("fit", "slp", TORCH_LOGS="junk")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "lightning cannot be imported: Invalid log settings: junk" in done.err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["SLP"], "did you mean 'slp'?"),
        (["slp", "--data", "MNIST"], "did you mean 'mnist'?"),
        (["slp", "mnist"], "unexpected word 'mnist'; did you mean '--data mnist'?"),
        (["slp", "Digits"], "did you mean '--data digits'?"),
        (["mlp", "--model.learning_rate", "1"], "'--model.lr'?"),
        (["mlp", "--lr", "1"], "'--model.lr'?"),
        (["mlp", "--epochs", "1"], "'--trainer.max_epochs'?"),
        (["mlp", "--max_epochs", "1"], "'--trainer.max_epochs'?"),
        (["mlp", "--batch-size", "1"], "'--data.batch_size'?"),
        (["mlp", "--gpus", "1"], "'--trainer.devices'?"),
        (["mlp", "--device", "cpu"], "'--trainer.accelerator'?"),
        (["cifar_cnn", "--data", "celeba", "--model.loss", "bce", "--workers", "1"], "'--data.num_workers'?"),
        (["mlp", "--hidden-size", "1"], "'--model.hidden_dim'?"),
        (["mlp", "--resume", "last"], "'--ckpt_path'?"),
    ],
)
def test_what_options_are_called_elsewhere(words: list[str], expected: str, zoo_command: Command) -> None:
    done = zoo_command("fit", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert expected in done.err


def test_every_suggested_option_is_one() -> None:
    pairs = [("mlp", "mnist"), ("cifar_cnn", "celeba")]
    known = {
        option for name, data in pairs for option in fit_parser("", model_class(name), datamodule_class(data)).options()
    }
    assert {f"--{option}" for option in COMMON_NAMES.values()} <= known


def test_a_corrupt_data_file_is_named(zoo_command: Command, mnist_folder: Path, tmp_path: Path) -> None:
    labels = mnist_folder / "train-labels-idx1-ubyte"
    write_idx(labels, torch.full((TRAIN,), 77))
    for choice in ([], ["--data", "mnist"]):  # damaged is not absent: there is no falling back
        done = zoo_command("fit", "slp", *choice, "--data.root", mnist_folder.parents[1], "--data.val_size", 9)
        assert done.code == 2
        assert str(labels) in done.err
        assert not (tmp_path / "runs").exists()


def test_checkpoints_that_do_not_fit(zoo_command: Command, trained: Path, shared_root: Path) -> None:
    checkpoint = trained / "checkpoints" / "last.ckpt"
    for words in (
        ["test", "--model", "mlp", "--ckpt", checkpoint],
        ["predict", "--model", "mlp", "--ckpt", checkpoint, "a.png"],
        ["fit", "mlp", *DIGITS, "--ckpt_path", checkpoint],
    ):
        done = zoo_command(*words)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "contains the network 'slp', expected 'mlp'" in done.err
    done = zoo_command("test", "--ckpt", checkpoint, "--data", "digits", "--data.image_size", 20)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "in_dim 784" in done.err
    assert zoo_command("fit", "mlp", *DIGITS, *ONE_EPOCH).code == 0
    done = zoo_command("fit", "mlp", *DIGITS, "--model.hidden_dim", 7, "--ckpt_path", "last")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "--model.hidden_dim is 7, but the run to resume in runs/mlp-digits/1 has 50" in done.err
    Path("runs/mlp-digits/1/checkpoints/last.ckpt").rename("wide.ckpt")
    done = zoo_command("fit", "mlp", *DIGITS, "--model.hidden_dim", 7, "--ckpt_path", "wide.ckpt")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "fc" in done.err


def test_foreign_and_truncated_checkpoints(zoo_command: Command, trained: Path) -> None:
    whole = (trained / "checkpoints" / "last.ckpt").read_bytes()
    Path("cut.ckpt").write_bytes(whole[: len(whole) // 2])
    torch.save({"weight": torch.ones(1)}, "foreign.ckpt")
    torch.save([1, 2], "list.ckpt")
    torch.save(zoo.create_model("slp"), "pickled.ckpt")  # a whole object: never unpickled
    for name in ("cut", "foreign", "list", "pickled"):
        for words in (["test", "--ckpt"], ["fit", "slp", *DIGITS, "--ckpt_path"]):
            done = zoo_command(*words, f"{name}.ckpt")
            assert (done.code, done.err.count("\n")) == (2, 1)
            assert f"{name}.ckpt" in done.err
    assert not Path("runs/slp-digits/2").exists()


# Predicting


def test_predict_labels_pictures_and_names_the_unreadable(zoo_command: Command, trained: Path) -> None:
    data = zoo.create_datamodule("digits")
    data.setup()
    x, _ = data.splits["test"].tensors
    for index in range(3):
        Image.fromarray(x[index, 0].numpy()).save(f"digit{index}.png")
    Path("notes.png").write_text("not a picture")
    best = trained / "checkpoints" / "best.ckpt"
    done = zoo_command("predict", "--ckpt", best, "digit0.png", "notes.png", "digit1.png")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "notes.png" in done.err
    lines = [line.split() for line in done.out.splitlines()]
    assert [line[0] for line in lines] == ["digit0.png", "digit1.png"]
    for _, label, probability in lines:
        assert label in data.classes
        assert 0 <= float(probability) <= 1
    done = zoo_command("predict", "--model", "slp", "--ckpt", best, "digit2.png")
    assert (done.code, done.err) == (0, "")


def test_test_takes_other_data(zoo_command: Command, trained: Path, shared_root: Path) -> None:
    done = zoo_command(
        *("test", "--ckpt", trained / "checkpoints" / "best.ckpt"),
        *("--data", "mnist", "--data.root", shared_root, "--data.val_size", 9),
    )
    assert done.code == 0
    assert f"mnist (292 train, 9 val, {TEST} test)" in done.out


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
