"""The README, and the pages in docs/, say what is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from conftest import REPOSITORY, Command
from data_files import write_folder
from documents import DOCUMENTED


def blocks_of(text: str) -> list[tuple[str, str]]:
    """Return the code of a page, each block with its language."""
    return re.findall(r"```(\w*)\n(.*?)```", text, flags=re.S)


def commands_of(text: str) -> list[str]:
    """Return the commands of a page."""
    lines = [line for language, block in blocks_of(text) if language == "" for line in block.splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.startswith("zoo ")]


README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
BLOCKS, COMMANDS = blocks_of(README), commands_of(README)
LEARNING_RATES = (REPOSITORY / "docs" / "learning_rates.md").read_text(encoding="utf-8")


def test_ci_runs_the_readmes_two_commands() -> None:
    script = (REPOSITORY / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("pip install -e . && python scripts/fit.py --model slp", 'pip install -e ".[test]" && pytest'):
        assert command in README
        install, run = command.split(" && ")
        assert install.replace("install", "install --quiet") in script
        assert run in script


def test_the_python_examples_run_and_say_what_they_say(tmp_path: Path) -> None:
    write_folder(tmp_path / "pets")
    names: dict[str, Any] = {}
    for language, block in BLOCKS:
        if language == "python":
            exec(block, names)
            if "pets.ckpt" in block:
                assert len([line for line in block.splitlines() if line]) < 20
                assert names["labels"][0] in ("cat", "dog")
    assert names["labels"] == ["1"]
    assert names["probabilities"].shape == (1, 10)
    assert names["x"].shape == (1, 28, 28)
    assert names["features"].shape == (2, 84)
    assert names["mlp"].classes == tuple("0123456789")


EXAMPLES = [*COMMANDS, *commands_of(LEARNING_RATES)]


def test_a_rate_and_a_batch_size_are_found_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [block for language, block in blocks_of(LEARNING_RATES) if language == "python"]
    exec(block, {})
    rate, size = capsys.readouterr().out.splitlines()[-2:]
    assert 0.01 < float(rate) < 1
    assert int(size) == 2**8


@pytest.mark.parametrize("command", [c for c in EXAMPLES if c.startswith("zoo fit") and "--config" not in c])
def test_the_options_of_the_examples_exist(command: str, zoo_command: Command) -> None:
    words = shlex.split(command)[1:]
    done = zoo_command(*words, *([] if "--help" in words else ["--print_config"]))
    assert done.code == 0, done.err


def test_the_way_from_a_folder_to_an_exported_network_is_as_written(tmp_path: Path, zoo_command: Command) -> None:
    section = README[README.index("## Your own data") : README.index("## Use a checkpoint")]
    commands = [command for command in COMMANDS if command in section]
    assert [command.split()[1] for command in commands] == ["check", "fit", "predict", "export", "fit", "fit"]
    write_folder(tmp_path / "pets", {"cat": 30, "dog": 30})
    write_folder(tmp_path / "new_pictures")
    (tmp_path / "flowers.csv").write_text("width,species\n" + "1,a\n5,b\n" * 30, encoding="utf-8")
    reviews = "review,label\n" + "a fine film,good\na dull film,bad\n" * 30
    (tmp_path / "reviews.csv").write_text(reviews, encoding="utf-8")
    for command in commands:
        done = zoo_command(*shlex.split(command)[1:])
        assert done.code == 0, (command, done.err)
    assert (tmp_path / "predictions.csv").read_text(encoding="utf-8").count("\n") == 25
    assert (tmp_path / "pets.onnx").exists()


def test_images_exist() -> None:
    images = re.findall(r"!\[.*?\]\((.*?)\)", README)
    assert images
    for image in images:
        assert (REPOSITORY / image).is_file()


def test_the_table_is_the_one_that_was_printed() -> None:
    printed = (REPOSITORY / "docs" / "reproduction.md").read_text(encoding="utf-8").split("\n\n")[2]
    assert printed in README
    assert all(f"| `{name}` |" in printed for name in DOCUMENTED)
