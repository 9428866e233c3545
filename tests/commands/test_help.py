"""Help and lists, which are answered at once."""

from __future__ import annotations

import subprocess
import sys

import pytest
from conftest import Command

import zoo
from zoo.factory import model_class
from zoo.support.signatures import arguments_of


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
