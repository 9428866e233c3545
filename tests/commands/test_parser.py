"""Options: what they are called, and what they are taken for."""

from __future__ import annotations

import pytest
from conftest import Command
from running import DIGITS, ONE_EPOCH

from zoo.commands.parser import make_fit_parser
from zoo.commands.suggestions import COMMON_NAMES
from zoo.factory import datamodule_class, model_class


def test_a_folder_called_like_a_device_is_no_class(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS, *ONE_EPOCH, "--out", "cpu")
    assert zoo_command(*words).code == 0
    assert zoo_command("fit", "slp", *DIGITS, "--out", "cpu", "--ckpt_path", "last").code == 0


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
        option
        for name, data in pairs
        for option in make_fit_parser("", model_class(name), datamodule_class(data)).options()
    }
    assert {f"--{option}" for option in COMMON_NAMES.values()} <= known
