"""What is not finite."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from conftest import Command
from lightning.pytorch import LightningModule, Trainer
from running import DIGITS_ON_CPU, LAST
from torch import Tensor, nn

import zoo
from zoo.callbacks.finite import check_gradients


def test_a_loss_that_is_not_finite_stops_at_the_step(zoo_command: Command) -> None:
    words = ("fit", "ffnn", *DIGITS_ON_CPU, "--trainer.max_epochs", 1, "--seed", 1)
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
    results = (Path("runs/ffnn-digits/3") / "results.json").read_text(encoding="utf-8")
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
