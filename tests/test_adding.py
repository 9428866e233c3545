"""A network is one file and one row: the tests and every command take it from there."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PATIENCE, REPOSITORY

FILE = '''
"""The smallest network."""

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks.losses import LossName
from zoo.tasks import Classifier, ClassifierOptions


class Toy(Classifier):
    """One layer.

    Source: none. Input: ``(batch, in_dim)``. Output: ``(batch, num_classes)``. Differs from the document: no.

    Args:
        in_dim: Number of input features.
        num_classes: Number of classes.
        loss: Name of the loss.
        lr: Learning rate.
        **options: As everywhere.
    """

    output = "logits"

    def __init__(
        self,
        in_dim: int = 784,
        num_classes: int = 10,
        *,
        loss: LossName = "cross_entropy",
        lr: float = 0.1,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, lr=lr, **options)
        self.out = nn.Linear(in_dim, num_classes)
        self.example_input_array = torch.zeros(1, in_dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x.flatten(1))
'''

ROW = "from zoo.registry import MODELS, ModelRow\nMODELS['toy'] = ModelRow('toy:Toy', 'one layer', 'digits', 64, 2)\n"


@pytest.fixture
def toy(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that has a toy network in its registry."""
    (tmp_path / "toy.py").write_text(FILE)
    (tmp_path / "toy_row.py").write_text(ROW)
    return {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{REPOSITORY}"}


def run(words: list[str], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_new_network_is_tested_by_existing(toy: dict[str, str], tmp_path: Path) -> None:
    tests = [str(REPOSITORY / "tests" / f"test_{name}.py") for name in ("models", "use")]
    options = ["-m", "pytest", "-p", "toy_row", "-p", "no:cacheprovider", "-q", *tests]
    listed = [line for line in run([*options, "--co"], toy, tmp_path).splitlines() if "slp]" in line or "toy]" in line]
    of_slp, of_toy = ({line for line in listed if name in line} for name in ("slp]", "toy]"))
    needs_a_head = ("backbone", "without_classes", "size_of_the_features")
    assert of_toy == {line.replace("slp]", "toy]") for line in of_slp if not any(n in line for n in needs_a_head)}
    told = run([*options, "-k", "toy"], toy, tmp_path)
    assert " failed" not in told
    assert int(told.split(" passed")[0].split()[-1]) > 15


def test_every_command_takes_a_new_network(toy: dict[str, str], tmp_path: Path) -> None:
    commands = [
        ["list", "--names"],
        ["describe", "toy"],
        ["fit", "toy"],
        ["test", "--ckpt", "runs/toy-digits/1/checkpoints/best.ckpt"],
        ["fit", "toy", "--help"],
    ]
    code = f"import toy_row\nfrom zoo.commands.cli import main\nfor words in {commands}: print('exit', main(words))"
    listed, described, fitted, tested, *_ = run(["-c", code], toy, tmp_path).split("exit 0")
    assert "toy" in listed.split()
    assert "Parameters: 7,850" in described
    assert "runs/toy-digits/1" in fitted
    assert "toy after" in tested
