"""A network, or a data set, is one file and one row: the tests and every command take it from there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PATIENCE, REPOSITORY

FILE = '''
"""The smallest network."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks import Classifier, ClassifierOptions
from zoo.tasks.losses import LossName


class Toy(Classifier):
    """One layer.

    Source: none. Input: ``(batch, in_dim)``. Output: ``(batch, num_classes)``. Differs from the document: no.

    Args:
        in_dim: Number of input features.
        num_classes: Number of classes.
        loss: Name of the loss.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
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
        """Map ``(batch, ...)`` to ``(batch, num_classes)``."""
        return self.out(x.flatten(1))
'''

ROWS = {
    "MODELS: dict[str, ModelRow] = {": '"toy": ModelRow("zoo.models.toy:Toy", "one layer", "digits", 64, 2),',
    "DATAMODULES: dict[str, DataRow] = {": '"four": DataRow("zoo.datamodules.four:Four", "four rows", MADE_HERE),',
}
"""By the line of the registry that they follow."""


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with a network and a data set more: a file and a row each."""
    folder = tmp_path_factory.mktemp("added")
    for name in ("zoo", "tests", "scripts"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("README.md", "hubconf.py", "pyproject.toml"):
        shutil.copy(REPOSITORY / name, folder)
    (folder / "zoo/models/toy.py").write_text(FILE.lstrip(), encoding="utf-8")
    four = (folder / "zoo/datamodules/xor.py").read_text(encoding="utf-8").replace("class XORData", "class Four")
    (folder / "zoo/datamodules/four.py").write_text(four, encoding="utf-8")
    registry = folder / "zoo/registry.py"
    text = registry.read_text(encoding="utf-8")
    for line, row in ROWS.items():
        assert line in text
        text = text.replace(line, f"{line}\n    {row}")
    registry.write_text(text, encoding="utf-8")
    return folder


def run(words: list[str], added: Path, folder: Path, code: int = 0) -> str:
    """Run Python in a folder with the copy as its zoo, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(added)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_a_command_writes_what_editors_see(added: Path, tmp_path: Path) -> None:
    command = [str(added / "scripts/stubs.py")]
    told = run([*command, "--check"], added, tmp_path, code=1)
    assert told.count("\n") == 1
    assert "python scripts/stubs.py" in told
    run(command, added, tmp_path)
    assert run([*command, "--check"], added, tmp_path) == ""
    assert "from zoo.models.toy import Toy\n" in (added / "zoo/models/__init__.pyi").read_text(encoding="utf-8")
    assert '    "Four",\n' in (added / "zoo/datamodules/__init__.pyi").read_text(encoding="utf-8")


def test_what_is_new_is_tested_by_existing(added: Path, tmp_path: Path) -> None:
    tests = [str(next((added / "tests").rglob(f"test_{name}.py"))) for name in ("models", "use", "registry")]
    run([str(added / "scripts/stubs.py")], added, tmp_path)
    options = ["-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-q", *tests]
    listed = run([*options, "--co"], added, tmp_path).splitlines()
    of_slp, of_toy = ({line for line in listed if name in line} for name in ("slp]", "toy]"))
    needs_a_head = ("backbone", "without_classes", "size_of_the_features")
    assert of_toy == {line.replace("slp]", "toy]") for line in of_slp if not any(n in line for n in needs_a_head)}
    told = run([*options, "-k", "toy or four or lists or stub"], added, tmp_path)
    assert " failed" not in told
    assert int(told.split(" passed")[0].split()[-1]) > 20


def test_every_command_takes_what_is_new(added: Path, tmp_path: Path) -> None:
    commands = [
        ["list", "--names"],
        ["describe", "toy"],
        ["fit", "toy"],
        ["test", "--ckpt", "runs/toy-digits/1/checkpoints/best.ckpt"],
        ["fit", "xor", "--data", "four", "--trainer.max_epochs", "1"],
        ["fit", "toy", "--help"],
    ]
    code = f"from zoo.commands.cli import main\nfor words in {commands}: print('exit', main(words))"
    listed, described, fitted, tested, other, _ = run(["-c", code], added, tmp_path).split("exit 0")
    assert "toy" in listed.split()
    assert "Parameters: 7,850" in described
    assert str(Path("runs/toy-digits/1")) in fitted
    assert "toy after" in tested
    assert str(Path("runs/xor-four/1")) in other
