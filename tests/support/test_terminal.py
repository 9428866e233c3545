"""Figures on terminals that show pictures, and links on those that do not."""

from __future__ import annotations

import base64
import contextlib
import io
import os
import re
import struct
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import ON_UNIX, Command
from PIL import Image
from running import DIGITS, ONE_EPOCH

from zoo.commands.cli import main

pytestmark = ON_UNIX
FIGURES = ["curves", "mistakes", "confusion", "calibration"]


def from_kitty(shown: str) -> list[Image.Image]:
    pictures, text = [], ""
    for control, chunk in re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", shown):
        assert len(chunk) <= 4096
        text += chunk
        if "m=1" not in control:
            pictures.append(Image.open(io.BytesIO(base64.b64decode(text))))
            text = ""
    assert not text
    return pictures


def from_iterm(shown: str) -> list[Image.Image]:
    found = re.findall(r"\x1b]1337;File=inline=1:(.*?)\a", shown)
    return [Image.open(io.BytesIO(base64.b64decode(text))) for text in found]


def from_sixel(shown: str) -> list[Image.Image]:
    return [unsixeled(text) for text in re.findall(r"\x1bPq(.*?)\x1b\\", shown)]


def unsixeled(text: str) -> Image.Image:
    head, width, height = re.match(r'("1;1;(\d+);(\d+))', text).groups()
    pixels, palette = np.zeros((int(height) + 6, int(width), 3), np.uint8), {}
    x, y, color = 0, 0, None
    for token in re.findall(r"#[\d;]+|!\d+[?-~]|[?-~$-]", text.removeprefix(head)):
        if token[0] == "#":
            color, *rgb = token[1:].split(";")
            if rgb:
                palette[color] = [round(int(share) * 2.55) for share in rgb[1:]]
        elif token in "$-":
            x, y = 0, y + 6 * (token == "-")
        else:
            count, bits = int(token[1:-1] or 1) if token[0] == "!" else 1, ord(token[-1]) - 63
            for row in range(6):
                if bits >> row & 1:
                    pixels[y + row, x : x + count] = palette[color]
            x += count
    return Image.fromarray(pixels[: int(height)])


def on_terminal(words: list[str], columns: int, monkeypatch: pytest.MonkeyPatch, **variables: str) -> tuple[int, str]:
    """Run a command in a terminal, and return its exit code and what it wrote."""
    import fcntl
    import termios

    for name in ("TERM_PROGRAM", "ZOO_PICTURES"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {**variables, "COLUMNS": str(columns)}.items():
        monkeypatch.setenv(name, value)
    read, write = os.openpty()
    fcntl.ioctl(write, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    written = bytearray()

    def listen() -> None:
        with contextlib.suppress(OSError):  # at its end a terminal gives no end of file, but an error
            while chunk := os.read(read, 65536):
                written.extend(chunk)

    listening = threading.Thread(target=listen)
    listening.start()
    with open(write, "w", encoding="utf-8") as stream, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stream)
        code = main(words)
    listening.join()
    os.close(read)
    return code, written.decode().replace("\r\n", "\n")


@pytest.fixture
def run(zoo_command: Command) -> Path:
    done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH)
    assert done.code == 0, done.err
    assert "\x1b" not in done.out
    return Path("runs/slp-digits/1").resolve()


def links(folder: Path) -> list[str]:
    paths = [folder / f"{name}.png" for name in FIGURES]
    return [f"\x1b]8;;{path.as_uri()}\x1b\\{os.path.relpath(path)}\x1b]8;;\x1b\\\n" for path in paths]


def check_pictures(shown: list[Image.Image], folder: Path, columns: int) -> None:
    assert len(shown) == len(FIGURES)
    for name, picture in zip(FIGURES, shown, strict=True):
        with Image.open(folder / f"{name}.png") as file:
            wanted = file.convert("RGB")
        assert picture.width == min(wanted.width, 9 * columns)
        assert abs(picture.height / picture.width - wanted.height / wanted.width) < 0.01
        difference = np.asarray(picture.convert("RGB"), float) - np.asarray(wanted.resize(picture.size), float)
        assert abs(difference).mean() < 4


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize(
    ("variables", "decoded"),
    [
        ({"TERM": "xterm-kitty"}, from_kitty),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, from_kitty),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, from_iterm),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, from_iterm),
        ({"TERM": "foot"}, from_sixel),
        ({"TERM": "xterm-256color", "ZOO_PICTURES": "sixel"}, from_sixel),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_a_terminal_that_shows_pictures_shows_those_of_a_run(
    variables: dict[str, str],
    decoded: Callable[[str], list[Image.Image]],
    columns: int,
    run: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    code, shown = on_terminal(["show", "runs/slp-digits/1"], columns, monkeypatch, **variables)
    assert code == 0
    check_pictures(decoded(shown), run, columns)
    assert all(link in shown for link in links(run))


@pytest.mark.parametrize(
    "variables",
    [
        {"TERM": "xterm-256color"},
        {"TERM": "tmux-256color", "TERM_PROGRAM": "WezTerm"},
        {"TERM": "xterm-kitty", "ZOO_PICTURES": "none"},
    ],
)
def test_others_get_links(variables: dict[str, str], run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, shown = on_terminal(["show", "runs/slp-digits/1"], 80, monkeypatch, **variables)
    assert (code, shown) == (0, "".join(links(run)))


def test_what_is_no_terminal_gets_paths(run: Path, zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    done = zoo_command("show", "runs/slp-digits/1")
    assert done.out.splitlines() == [f"runs/slp-digits/1/{name}.png" for name in FIGURES]
    assert on_terminal(["show", "runs/slp-digits/1"], 80, monkeypatch, TERM="dumb") == (0, done.out)


def test_the_end_of_a_run_shows_its_figures_too(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = ["fit", "slp", *DIGITS, *ONE_EPOCH]
    code, shown = on_terminal([str(word) for word in words], 100, monkeypatch, TERM="xterm-kitty")
    assert code == 0
    folder = run.with_name("2")
    check_pictures(from_kitty(shown), folder, 100)
    assert all(link in shown for link in links(folder))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "zoo show takes one run folder"),
        (["runs", "runs"], "zoo show takes one run folder"),
        (["runs/nothing"], "runs/nothing has no figures; give the folder of a finished run"),
        (["--out", "x"], "zoo show takes run folders, not --out"),
    ],
)
def test_what_has_no_figures_is_one_line(words: list[str], message: str, zoo_command: Command) -> None:
    done = zoo_command("show", *words)
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1


def test_a_damaged_figure_is_one_line(
    run: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (run / "mistakes.png").write_bytes(b"\x89PNG and no more")
    code, _ = on_terminal(["show", "runs/slp-digits/1"], 80, monkeypatch, TERM="xterm-kitty")
    assert code == 2
    assert "mistakes.png cannot be read as a picture" in capsys.readouterr().err
