"""Bad input: one line, exit code 2, nothing written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import ON_LINUX, Command
from running import DIGITS, ONE_EPOCH

import zoo
from zoo.launch.launchers import NUMBERS

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
    "another sampler, without data": ["fit", "slp", "--trainer.overfit_batches", "1"],
    "devices, without data": ["fit", "slp", "--trainer.accelerator", "cpu", "--trainer.devices", "10000"],
    "barebones": ["fit", "slp", *DIGITS, "--trainer.barebones", "true"],
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
    "logger without its package": ["fit", "slp", *DIGITS, "--trainer.logger", "CometLogger"],
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
    "logger without its package": "CometLogger: Requirement 'comet",
    "schedule shorter than the run": "the run takes 200",
    "nodes that nothing starts": "use torchrun or SLURM",
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_leaves_nothing(case: str, zoo_command: Command, tmp_path: Path) -> None:
    Path("broken.yaml").write_text("model: [1, {", encoding="utf-8")
    Path("word.yaml").write_text("hello", encoding="utf-8")
    Path("other.yaml").write_text("model: {name: slp}\ndata: {name: digits}\nmodell: 3\n", encoding="utf-8")
    Path("empty.yaml").touch()
    Path("list.yaml").write_text("model: {name: [slp]}", encoding="utf-8")
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


@ON_LINUX
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


@ON_LINUX
@pytest.mark.parametrize("redirected", ["2>/dev/full", "2>&-"])
def test_an_error_that_cannot_be_told_has_its_exit_code(redirected: str) -> None:
    done = subprocess.run(f"{sys.executable} -m zoo fit slpp {redirected}", shell=True, check=False)
    assert done.returncode == 2


def test_an_environment_that_breaks_an_import_is_told(zoo_process: Command) -> None:
    done = zoo_process("fit", "slp", TORCH_LOGS="junk")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "lightning cannot be imported: Invalid log settings: junk" in done.err


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
    assert f"--model.hidden_dim is 7, but the run to resume in {Path('runs/mlp-digits/1')} has 50" in done.err
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
