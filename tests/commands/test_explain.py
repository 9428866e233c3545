"""``zoo explain``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import Command
from data_files import write_csv
from PIL import Image
from running import ONE_EPOCH

import zoo

SLP = ("explain", "--model", "slp", "--weights", "mnist")


@pytest.fixture
def picture() -> str:
    data = zoo.create_datamodule("digits")
    data.setup()
    Image.fromarray(255 - data.splits["test"].tensors[0][3, 0].numpy()).save("digit.png")
    return "digit.png"


def check_figure(path: str) -> None:
    with Image.open(path) as image:
        assert image.width > 600
        assert len(image.convert("RGB").getcolors(1 << 20) or []) > 50


def test_a_picture(zoo_command: Command, picture: str) -> None:
    done = zoo_command(*SLP, picture)
    assert done.code == 0, done.err
    first, *_, last = done.out.splitlines()
    score, black, added = map(
        float, re.findall(r"[+-]?\d+\.\d{4}", first.partition("score")[2].replace("of a black picture", ""))
    )
    assert score == pytest.approx(black + added, abs=2e-4)
    assert first.split()[0] == zoo_command("predict", *SLP[1:], picture).out.split()[1]
    assert last == "figure      explanation.png"
    check_figure("explanation.png")


def test_a_text_and_a_row(zoo_command: Command, tmp_path: Path) -> None:
    review = "A boring film, and not one good minute in it. " * 3
    done = zoo_command("explain", "--model", "bilstm_sentiment", "--weights", "imdb", review, "--out", "text.png")
    assert done.code == 0, done.err
    assert re.search(r"\nboring +\+\d", done.out)
    check_figure("text.png")
    table = write_csv(tmp_path)
    words = [word for key, value in table.items() for word in (f"--data.{key}", value)]
    assert zoo_command("fit", "mlp", "--data", "csv", *words, *ONE_EPOCH).code == 0
    best = "runs/mlp-csv/1/checkpoints/best.ckpt"
    done = zoo_command("explain", "--ckpt", best, "1.5,3,red", "--out", "row.png")
    assert done.code == 0, done.err
    assert {line.split()[0] for line in done.out.splitlines()[3:6]} == {"width", "height", "color"}
    check_figure("row.png")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "takes one input: a picture, a text or a row; got 0"),
        (["digit.png", "digit.png"], "got 2"),
        (["nothing.png"], "nothing.png does not exist"),
        (["digit.png", "--out", "digit.png"], "--out digit.png is one of the files that are read"),
        (["digit.png", "--out", "no/folder/x.png"], "no/folder/x.png cannot be written"),
        (["--steps", "3", "digit.png"], "unknown option --steps"),
    ],
)
def test_bad_input_is_one_line(words: list[str], message: str, zoo_command: Command, picture: str) -> None:
    before = Path(picture).read_bytes()
    done = zoo_command(*SLP, *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert message in done.err.replace("\\", "/")
    assert Path(picture).read_bytes() == before
