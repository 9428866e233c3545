"""The guides and the notebooks do what they say: their code runs, and so do their commands."""

from __future__ import annotations

import json
import logging
import re
import shlex
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest
from conftest import Command
from data_files import write_folder
from documentation import DOCS
from pages import datasets, networks
from pages.facts import Network
from pages.layouts import DOWNLOADED
from PIL import Image

from zoo.registry import DATAMODULES, MODELS

GUIDES = sorted((DOCS / "guides").glob("*.md"))
NOTEBOOKS = sorted((DOCS / "notebooks").glob("*.ipynb"))
WRITTEN = [path for path in GUIDES if path.name != "index.md"]  # that one is generated

NOT_RUN = ("first_run",)
"""Guides whose ``zoo fit`` are many variations: their options are checked."""
LONG = ("xor", "linear")
"""Networks whose documented training is thousands of epochs: so are theirs."""


def steps(text: str) -> list[tuple[str, str]]:
    """Return the commands and the Python code of a page, in order, each with its kind."""
    found = []
    for language, block in re.findall(r"```(\w*)\n(.*?)```", text, flags=re.S):
        if language == "python":
            found.append(("python", block))
        elif not language:
            lines = [line.partition("  #")[0].strip() for line in block.splitlines()]
            found += [("zoo", line.removeprefix("zoo ")) for line in lines if line.startswith("zoo ")]
    return found


def draw_photo() -> None:
    picture = Image.new("L", (100, 100), "white")
    picture.paste("black", (45, 10, 55, 90))
    picture.save("photo.png")


@pytest.fixture
def files(tmp_path: Path) -> None:
    """The files of one's own that the guides speak of."""
    for name in ("pets", "other_pets"):
        write_folder(tmp_path / name, {"cat": 30, "dog": 30})
    write_folder(tmp_path / "new_pictures")
    flowers = "".join(f"{n / 100},a\n{5 + n / 100},b\n" for n in range(30))
    (tmp_path / "flowers.csv").write_text("width,species\n" + flowers, encoding="utf-8")
    words = ["very " * n for n in range(30)]
    reviews = "review,label\n" + "".join(f"a {many}fine film,good\na {many}dull film,bad\n" for many in words)
    (tmp_path / "reviews.csv").write_text(reviews, encoding="utf-8")
    draw_photo()


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.stem)
def test_a_guide_does_what_it_says(path: Path, zoo_command: Command) -> None:
    if path.stem in NOT_RUN:
        assert zoo_command("fit", "slp", "--data", "digits", "--trainer.max_epochs", "1").code == 0
    names: dict[str, Any] = {}
    ran = 0
    for kind, step in steps(path.read_text(encoding="utf-8")):
        ran += 1
        if kind == "python":
            exec(step, names)
            continue
        words = shlex.split(step)
        if "--config" in words:
            continue  # a run on MNIST, which is not here
        only_checked = path.stem in NOT_RUN or words[1] in LONG
        if words[0] == "fit" and only_checked and not {"--help", "--ckpt_path"} & set(words):
            words.append("--print_config")
        done = zoo_command(*words)
        assert done.code == 0, (step, done.err)
    assert ran
    CHECKS.get(path.stem, lambda names: None)(names)


def check_python(names: dict[str, Any]) -> None:
    assert names["labels"] == ["1"]
    assert names["probabilities"].shape == (1, 10)
    assert names["x"].shape == (1, 28, 28)
    assert names["features"].shape == (2, 84)
    assert names["mlp"].classes == tuple("0123456789")


def check_own_data(names: dict[str, Any]) -> None:
    assert names["labels"][0] in ("cat", "dog")
    assert Path("predictions.csv").read_text(encoding="utf-8").count("\n") == 25
    assert Path("species.csv").read_text(encoding="utf-8").count("\n") == 61
    assert Path("pets.onnx").exists()


CHECKS: dict[str, Any] = {"python": check_python, "own_data": check_own_data}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    plt.switch_backend("agg")
    caplog.set_level(logging.ERROR, "lightning.pytorch")
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells)  # they are made when the site is built
    names: dict[str, Any] = {"__name__": "notebook"}
    for cell in cells:
        if cell["cell_type"] == "code":
            exec("".join(cell["source"]), names)
    plt.close("all")


def test_the_links_of_the_pages_lead_somewhere() -> None:
    """On GitHub, too, where pages are read as they are."""
    generated = (DOCS.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
    pages = [path for path in (*DOCS.glob("*.md"), *WRITTEN) if f"docs/{path.relative_to(DOCS)}" not in generated]
    assert len(pages) > 20
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text(encoding="utf-8")):
            if not link.startswith("http"):
                assert (page.parent / link).exists(), (page, link)


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", MODELS)
def test_a_network_starts_as_its_page_says(name: str, zoo_command: Command) -> None:
    text = networks.page(Network(name))
    code = re.findall(r"```python\n(.*?)```", text, flags=re.S)
    assert len(code) == 2
    for block in code:
        exec(block, {})
    predict = next(line for line in text.splitlines() if line.startswith("zoo predict"))
    done = zoo_command(*shlex.split(predict)[1:])
    assert done.code == 0, done.err


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("name", DATAMODULES)
def test_a_data_set_starts_as_its_page_says(name: str) -> None:
    (block,) = re.findall(r"```python\n(.*?)```", datasets.page(name), flags=re.S)
    names: dict[str, Any] = {}
    exec(block, names)
    if name not in DOWNLOADED and name != "celeba":
        names["data"].setup()
        assert names["data"].sizes["train"] > 3


MEASURED = ("speed",)
"""Pages with commands that a benchmark printed, some of them wrong on purpose."""
OTHERS = [
    path
    for path in sorted(DOCS.glob("*.md"))
    if path.stem not in MEASURED and re.search(r"(?m)^zoo fit", path.read_text(encoding="utf-8"))
]


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize("path", OTHERS, ids=lambda path: path.stem)
def test_the_options_of_a_page_exist(path: Path, tmp_path: Path, zoo_command: Command) -> None:
    (tmp_path / "houses.csv").write_text("size,price\n" + "1.5,2.5\n2.5,3.75\n" * 30, encoding="utf-8")
    write_folder(tmp_path / "reviews")
    ran = 0
    for _, step in steps(path.read_text(encoding="utf-8")):
        words = shlex.split(step)
        if words[0] == "fit" and not {"--ckpt_path", "--config"} & set(words) and "runs/" not in step:
            ran += 1
            done = zoo_command(*words, *([] if "--help" in words else ["--print_config"]))
            assert done.code == 0, (step, done.err)
    assert ran
