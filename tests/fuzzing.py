"""What the fuzz tests share: how often to try, how to damage a file, what a command may answer."""

from __future__ import annotations

import os
import time

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from zoo.commands.cli import main

MANY = int(os.environ.get("ZOO_FUZZ", 0))
"""How many examples to try, new ones each time, rather than a few that are always the same."""

often = settings(
    max_examples=MANY or 60,
    deadline=None,
    derandomize=not MANY,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

seldom = settings(often, max_examples=MANY or 30)
"""For what trains a network each time."""


def check(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command line; anything but a run or a one-line error fails, an exception with its traceback."""
    capsys.readouterr()
    try:
        code = main(words)
    except SystemExit as stop:
        code = int(stop.code or 0)
    err = capsys.readouterr().err
    assert code in (0, 1, 2), (words, code)
    assert "Traceback" not in err, words
    errors = [line for line in err.splitlines() if line.startswith("zoo: error: ")]
    assert len(errors) == (1 if code == 2 else 0), (words, err)


damage = st.tuples(
    st.integers(0, 10**6), st.sampled_from(["cut", "flip", "zero", "insert", "random"]), st.binary(max_size=40)
)


def damaged(content: bytes, how: tuple[int, str, bytes]) -> bytes:
    """Return a file's content with something done to it."""
    place, kind, noise = how[0] % (len(content) + 1), how[1], how[2]
    if place % 3 == 0:
        place = min(place, 64 * (place % 7) // 6)  # headers are short, and matter most
    match kind:
        case "cut":
            return content[:place]
        case "flip":
            return content[:place] + bytes(255 - byte for byte in content[place : place + 1]) + content[place + 1 :]
        case "zero":
            return content[:place] + bytes(len(noise)) + content[place + len(noise) :]
        case "insert":
            return content[:place] + noise + content[place:]
    return noise


def timely(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    started = time.process_time()
    check(words, capsys)
    assert time.process_time() - started < 20


def quiet() -> list[str]:
    return ["--trainer.enable_model_summary", "false"]
