"""The README, and the pages in docs/, say what is so."""

from __future__ import annotations

import re
import shlex
from typing import Any

import pytest
from conftest import REPOSITORY, Command
from documents import DOCUMENTED

import zoo
from zoo.registry import MODELS


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


def test_the_python_example_runs_and_says_what_it_says() -> None:
    (block,) = [block for language, block in BLOCKS if language == "python"]
    names: dict[str, Any] = {}
    exec(block, names)
    assert names["labels"] == ["1"]
    assert names["probabilities"].shape == (1, 10)


def test_a_rate_and_a_batch_size_are_found_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    (block,) = [block for language, block in blocks_of(LEARNING_RATES) if language == "python"]
    exec(block, {})
    rate, size = capsys.readouterr().out.splitlines()[-2:]
    assert 0.01 < float(rate) < 1
    assert int(size) == 2**8


@pytest.mark.parametrize("command", [c for c in COMMANDS if c.startswith("zoo fit") and "--config" not in c])
def test_the_options_of_the_examples_exist(command: str, zoo_command: Command) -> None:
    words = shlex.split(command)[1:]
    done = zoo_command(*words, *([] if "--help" in words else ["--print_config"]))
    assert done.code == 0, done.err


def test_images_and_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((.*?)\)", README)
    assert "docs/images/site.png" in links
    for link in links:
        path, _, heading = link.partition("#")
        assert link.startswith("https://") or (REPOSITORY / path).is_file(), link
        assert heading in ("", "the-site")
    assert "\n## The site\n" in README


def test_the_table_of_networks_has_the_numbers_of_the_records() -> None:
    rows = [
        f"| [`{name}`](zoo/models/{name}.py) | {row.summary} | {row.data} | {parameters(name):,} | {accuracy(name)} |"
        for name, row in MODELS.items()
        if zoo.list_weights(name)
    ]
    table = "\n".join(["| network | what it is | data | parameters | test accuracy |", "|---|---|---|---|---|", *rows])
    assert table in README, table
    assert f"`slp` reaches {zoo.weights_record('slp').metrics['train']['acc']:.4f}" in README


def parameters(name: str) -> int:
    return sum(parameter.numel() for parameter in zoo.create_model(name).parameters())


def accuracy(name: str) -> str:
    test = zoo.weights_record(name).metrics["test"]
    return f"{test['acc']:.4f}" if "acc" in test else "–"


def test_the_table_of_reproduction_has_all_documents() -> None:
    printed = (REPOSITORY / "docs" / "reproduction.md").read_text(encoding="utf-8").split("\n\n")[2]
    assert all(f"| `{name}` |" in printed for name in DOCUMENTED)
