"""Networks and data sets: which go together."""

from __future__ import annotations

import pytest
from conftest import Command


@pytest.mark.parametrize(
    ("model", "options"),
    [
        ("mlp", ["--data.channels", "3", "--data.image_size", "32"]),
        ("cifar_cnn", ["--data.channels", "1", "--data.image_size", "28"]),
        ("lstm", ["--data.channels", "3"]),
        ("convnet", ["--data.image_size", "20"]),
        ("digits_cnn", ["--data.augment", "true"]),
    ],
)
def test_shapes_follow_the_data(model: str, options: list[str], zoo_command: Command) -> None:
    short = ("--trainer.max_epochs", 1, "--trainer.limit_train_batches", 3)
    assert zoo_command("fit", model, "--data", "digits", *options, *short).code == 0


@pytest.mark.parametrize(
    ("model", "data"), [("slp", "imdb"), ("linear", "mnist"), ("xor", "quadratic"), ("rnn", "xor"), ("ffnn", "celeba")]
)
def test_senseless_pairs_are_one_line_before_anything_is_loaded(model: str, data: str, zoo_command: Command) -> None:
    done = zoo_command("fit", model, "--data", data)
    assert (done.code, done.err.count("\n"), done.out) == (2, 1, "")
    assert f"{model!r} cannot be trained on {data!r}" in done.err
    assert "it can be trained on" in done.err
