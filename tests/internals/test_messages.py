"""What other libraries say in their messages: each sentence is raised here by the library itself.

The loss of another process is tested in tests/launch, by killing one.
"""

from __future__ import annotations

import os
import signal
import time

import pytest
import torch
from jsonargparse import ArgumentParser
from torch.utils.data import DataLoader, Dataset

from zoo.internals.jsonargparse import as_one_line, class_problem, instantiate, unknown_argument
from zoo.internals.messages import is_lost_connection, is_out_of_memory, is_worker_failure, state_dict_problem


@pytest.mark.parametrize("size", [2**50, 2**62])
def test_what_does_not_fit_into_memory_is_recognized(size: int) -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.zeros(size)
    assert is_out_of_memory(failure.value)
    assert not is_lost_connection(failure.value)


def test_other_errors_are_not() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
    assert not is_out_of_memory(failure.value)


class Raising(ArgumentParser):
    def error(self, message: str, ex: Exception | None = None) -> None:  # type: ignore[override]
        raise ValueError(message)


class Strict:
    def __init__(self, size: int) -> None:
        if size < 0:
            raise ValueError("size must not be negative")


@pytest.fixture
def parser() -> Raising:
    parser = Raising()
    parser.add_argument("--size", type=int)
    parser.add_argument("--either", type=int | bool | None)
    parser.add_argument("--thing", type=Strict)
    return parser


def message(parser: Raising, *words: str) -> str:
    with pytest.raises(ValueError, match=r"\w") as failure:
        parser.parse_args(words)
    return str(failure.value)


def test_an_unknown_argument_is_recognized(parser: Raising) -> None:
    assert unknown_argument(message(parser, "--sizes=3")) == "--sizes"
    assert unknown_argument(message(parser, "word")) == "word"
    assert unknown_argument(message(parser, "--size", "x")) is None


def test_a_wrong_value_is_one_line(parser: Raising) -> None:
    line = as_one_line(message(parser, "--size", "x"))
    assert line.startswith("--size: ")
    assert "\n" not in line


def test_a_wrong_value_of_several_types_names_them(parser: Raising) -> None:
    line = as_one_line(message(parser, "--either", "x"))
    assert line.startswith(("--either: Expected one of ", "--either Expected one of "))
    assert all(name in line for name in ("int", "bool", "null"))
    assert line.endswith("Got value: x")


def test_the_problem_of_a_class_is_found(parser: Raising) -> None:
    path = f"{__name__}.Strict"
    options = parser.parse_args(["--thing", path, "--thing.size", "-1"])
    with pytest.raises(ValueError, match="size must not be negative") as failure:
        instantiate(parser, options)
    assert "size must not be negative" in class_problem(str(failure.value))


class Failing(Dataset[int]):
    """One example, in whose place something happens to the worker."""

    def __init__(self, how: str) -> None:
        self.how = how

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> int:
        match self.how:
            case "killed":
                os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))  # which kills on Windows
            case "hangs":
                time.sleep(60)
            case "exits":
                os._exit(1)
        raise RuntimeError("DataLoader timed out, says the data set")


@pytest.mark.parametrize(("how", "failed"), [("killed", True), ("hangs", True), ("exits", True), ("raises", False)])
def test_a_failed_worker_is_told_from_an_error_of_the_data(how: str, failed: bool) -> None:
    with pytest.raises(RuntimeError) as raised:
        next(iter(DataLoader(Failing(how), num_workers=1, timeout=3)))
    assert is_worker_failure(raised.value) is failed


def test_the_last_problem_of_a_state_dict_is_named() -> None:
    with pytest.raises(RuntimeError) as failure:
        torch.nn.Linear(2, 3).load_state_dict({"weight": torch.zeros(3, 2), "bias": torch.zeros(5)})
    assert state_dict_problem(failure.value).startswith("size mismatch for bias: ")
