"""``zoo sweep --search optuna``: what is tried, what is stopped early, and that it is the same each time."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from running import DIGITS_ON_CPU

from zoo.commands.space import Range, corners, parse_range, parse_space
from zoo.errors import ZooError

SHORT = ("sweep", "mlp", *DIGITS_ON_CPU, "--trainer.max_epochs", "2", "--baselines", "false", "--search", "optuna")
LR = ("--model.lr", "1e-3..10:log")
SERIES = Path("runs", "mlp-digits", "1")


def summary(folder: Path = SERIES) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    for run in (run for combination in content["combinations"] for run in combination["runs"]):
        run.pop("seconds", None)
    return content


def names(content: dict[str, Any]) -> list[str]:
    return sorted((run["run"] for combination in content["combinations"] for run in combination["runs"]), key=int)


def trained(out: str) -> list[str]:
    return [line.split()[0] for line in out.splitlines() if " of " in line and line.endswith(")")]


@pytest.fixture
def searched(zoo_command: Command) -> str:
    """What a search of eight trials prints, five of which cannot be stopped early."""
    done = zoo_command(*SHORT, *LR, "--model.hidden_dim", "5..60", "--model.optimizer", "SGD,Adam", "--trials", "8")
    assert done.code == 0, done.err
    return done.out


def test_a_search_ends_as_a_sweep_does(searched: str, zoo_command: Command) -> None:
    found = summary()
    assert names(found) == list(map(str, range(1, 9)))
    assert trained(searched)[:8] == names(found)
    best, *others = found["combinations"]
    assert (SERIES / best["runs"][0]["run"] / "mistakes.csv").exists()
    for combination in others:
        assert not any(name.startswith("test/") for name in combination["mean"])
        lr, size, optimizer = combination["options"].values()
        assert 1e-3 <= float(lr) <= 10
        assert 5 <= int(size) <= 60
        assert optimizer in ("SGD", "Adam")
    pruned = [combination for combination in found["combinations"] if "pruned" in combination["runs"][0]]
    assert pruned == found["combinations"][-len(pruned) :]
    for combination in pruned:
        (run,) = combination["runs"]
        assert run["epochs"] == 1
        assert f"  {run['run']} (pruned)" in searched
        assert json.loads((SERIES / run["run"] / "results.json").read_text(encoding="utf-8"))["pruned"] is True
    finished = [combination["mean"]["val/acc"] for combination in found["combinations"] if combination not in pruned]
    assert finished == sorted(finished, reverse=True)
    for option in ("--search", "--trials"):
        assert option in found["command"]
        assert option not in found["best"]

    again = zoo_command(*found["command"].split()[1:])
    assert (again.code, trained(again.out)) == (0, [])
    assert summary() == found
    alone = zoo_command(*found["best"].split()[1:])
    assert alone.code == 0
    results = json.loads((SERIES.parent / "2" / "results.json").read_text(encoding="utf-8"))
    assert results["metrics"]["test"]["acc"] == best["mean"]["test/acc"]


def test_a_search_that_lost_runs_trains_the_same_ones_again(searched: str, zoo_command: Command) -> None:
    found = summary()
    pruned = next(one["runs"][0]["run"] for one in found["combinations"] if "pruned" in one["runs"][0])
    (SERIES / pruned / "results.json").unlink()  # it was killed before its report
    shutil.rmtree(SERIES / "2")
    measured = (SERIES / "3" / "metrics.csv").read_bytes()
    shutil.rmtree(SERIES / "3" / "checkpoints")  # it was killed before its first checkpoint
    (SERIES / "3" / "results.json").unlink()
    again = zoo_command(*found["command"].split()[1:])
    assert again.code == 0
    assert {"2", "3", pruned} <= {*trained(again.out)}
    assert summary() == found
    assert (SERIES / "3" / "metrics.csv").read_bytes() == measured


def test_more_trials_go_on_where_fewer_ended(zoo_command: Command) -> None:
    assert zoo_command(*SHORT, *LR, "--trials", "2").code == 0
    done = zoo_command(*SHORT, *LR, "--trials", "3")
    assert trained(done.out)[0] == "3"
    assert zoo_command(*SHORT, *LR, "--trials", "3", "--name", "whole").code == 0
    longer, whole = summary()["combinations"], summary(Path("runs", "whole", "1"))["combinations"]
    assert [one["options"] for one in longer] == [one["options"] for one in whole]
    assert [one["mean"]["val/loss"] for one in longer] == [one["mean"]["val/loss"] for one in whole]


def test_another_seed_tries_other_values(zoo_command: Command) -> None:
    tried = []
    for seed in ("1", "2"):
        assert zoo_command(*SHORT, *LR, "--trials", "2", "--seed", seed, "--name", seed).code == 0
        tried.append([one["options"]["model.lr"] for one in summary(Path("runs", seed, "1"))["combinations"]])
    assert not {*tried[0]} & {*tried[1]}


def test_equal_trials_are_trained_once(zoo_command: Command) -> None:
    done = zoo_command(*SHORT, "--model.hidden_dim", "20..21", "--trials", "6")
    assert done.code == 0
    assert [one["options"]["model.hidden_dim"] for one in summary()["combinations"]] in (["20", "21"], ["21", "20"])


def test_all_seeds_of_a_trial_decide_and_none_is_stopped(zoo_command: Command) -> None:
    done = zoo_command(*SHORT, *LR, "--trials", "7", "--seeds", "0..1", "--trainer.max_epochs", "3")
    assert done.code == 0, done.err
    combinations = summary()["combinations"]
    assert [len(one["runs"]) for one in combinations] == [2] * 7
    assert {run["epochs"] for one in combinations for run in one["runs"]} == {3}
    means = [one["mean"]["val/acc"] for one in combinations]
    assert means == sorted(means, reverse=True)


def test_runs_are_left_alone_without_pruning(zoo_command: Command) -> None:
    assert zoo_command(*SHORT, *LR, "--trials", "8", "--prune", "false").code == 0
    assert {one["runs"][0]["epochs"] for one in summary()["combinations"]} == {2}


@pytest.mark.parametrize(
    "length", [("--trainer.max_epochs", "1"), ("--trainer.max_steps", "20")], ids=lambda words: words[0]
)
def test_a_trial_at_its_end_is_not_stopped(length: tuple[str, str], zoo_command: Command) -> None:
    assert zoo_command(*SHORT, *LR, "--trials", "8", *length).code == 0
    runs = [one["runs"][0] for one in summary()["combinations"]]
    assert {run["steps"] for run in runs} == {20}
    assert not any("pruned" in run for run in runs)


def test_a_trial_that_diverges_is_the_last(zoo_command: Command) -> None:
    words = ("sweep", "linear", "--data.val_size", "6", "--trainer.max_epochs", "30", "--baselines", "false")
    done = zoo_command(*words, "--model.lr", "1e-25..1e25:log", "--search", "optuna", "--trials", "8")
    assert done.code == 0, done.err
    combinations = summary(Path("runs", "linear-quadratic", "1"))["combinations"]
    reasons = ["failed" in one["runs"][0] for one in combinations]
    assert {True, False} == {*reasons}
    assert reasons == sorted(reasons)
    assert done.err.count("the loss is") == sum(reasons)


BAD = {
    "an unknown search": (*LR, "--search", "random"),
    "trials that are none": (*LR, "--search", "optuna", "--trials", "many"),
    "no trials": (*LR, "--search", "optuna", "--trials", "0"),
    "too many trials": (*LR, "--search", "optuna", "--trials", "501", "--seeds", "0..1"),
    "trials without a search": ("--model.lr", "0.1,1", "--trials", "5"),
    "pruning without a search": ("--model.lr", "0.1,1", "--prune", "false"),
    "pruning that is none": (*LR, "--search", "optuna", "--prune", "maybe"),
    "a range without a search": LR,
    "nothing to search": ("--search", "optuna"),
    "values alone": ("--model.lr", "0.1,1", "--search", "optuna"),
    "a range that ends before it begins": ("--model.lr", "1..0.1", "--search", "optuna"),
    "an empty range": ("--model.lr", "1..1", "--search", "optuna"),
    "a logarithm of zero": ("--model.lr", "0..1:log", "--search", "optuna"),
    "a range among values": ("--model.lr", "0.1,1..2", "--search", "optuna"),
    "two ranges of an option": (*LR, *LR, "--search", "optuna"),
    "a range of an unknown option": ("--model.hiden_dim", "5..60", "--search", "optuna"),
    "a range with an end that no network has": ("--model.hidden_dim", "0..60", "--search", "optuna"),
    "a fraction of a whole number": ("--model.hidden_dim", "5.5..60", "--search", "optuna"),
    "a wrong value beside a range": (*LR, "--model.optimizer", "SGD,Speed", "--search", "optuna"),
    "no validation part": (*LR, "--data.val_size", "0", "--search", "optuna"),
    "nothing to resume": (*LR, "--ckpt_path", "last", "--search", "optuna"),
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_writes_nothing(words: tuple[str, ...], zoo_command: Command, tmp_path: Path) -> None:
    done = zoo_command("sweep", "mlp", *DIGITS_ON_CPU, *words)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert done.err.startswith("zoo: error: ")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("words", [("--search", "optuna"), ("--trials", "5"), ("--prune", "false"), ("--seeds", "0,1")])
def test_a_search_of_a_single_network_is_refused(words: tuple[str, ...], zoo_command: Command) -> None:
    done = zoo_command("fit", "mlp", *DIGITS_ON_CPU, *words, "--search", "optuna")
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "zoo sweep" in done.err


def test_a_job_array_is_refused(zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_ARRAY_TASK_COUNT", "4")
    done = zoo_command(*SHORT, *LR)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert "--jobs" in done.err


def test_only_a_search_needs_optuna(zoo_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)  # as if it were not installed
    monkeypatch.delitem(sys.modules, "zoo.commands.search", raising=False)
    done = zoo_command(*SHORT, *LR)
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert 'pip install "lightning-zoo[search]"' in done.err
    assert not [*tmp_path.iterdir()]
    assert zoo_command(*SHORT[:-2], "--model.lr", "0.1,1").code == 0


def test_help_shows_the_options_of_a_search(zoo_command: Command) -> None:
    assert "--search optuna" in zoo_command("sweep", "--help").out
    done = zoo_command("sweep", "mlp", "--help")
    assert done.code == 0
    for option in ("--search", "--trials", "--prune"):
        assert option in done.out


@pytest.mark.parametrize(
    ("text", "span", "whole"),
    [
        ("5..60", Range("5", "60", log=False), True),
        ("-3..+4", Range("-3", "+4", log=False), True),
        ("1..1e3:log", Range("1", "1e3", log=True), False),
        (".5...75", Range(".5", ".75", log=False), False),
        ("1e-4..1E-1:log", Range("1e-4", "1E-1", log=True), False),
    ],
)
def test_ranges(text: str, span: Range, whole: bool) -> None:
    assert parse_range("--model.lr", text) == span
    assert span.whole == whole


@pytest.mark.parametrize(
    "text", ["", "1", "..", "1..", "..2", "1..2..3", "../data", "a..b", "1..2:lin", "[1..2]", "1.-2"]
)
def test_other_values_are_no_ranges(text: str) -> None:
    assert parse_range("--data.path", text) is None


def test_numbers_stay_in_their_range_when_they_are_rounded() -> None:
    assert Range("0.12345678", "1", log=False).text_of(0.123456789) == "0.123457"
    assert Range("0.9", "0.9999999", log=False).text_of(0.99999985) == "0.9999999"
    assert Range("0.1234564", "1", log=False).text_of(0.1234564) == "0.1234564"
    assert Range("1", "9", log=False).text_of(3) == "3"


def test_the_corners_have_all_values() -> None:
    space = parse_space({"a": ["1..2"], "b": ["x", "y", "z"], "c": ["p", "q"]})
    assert corners(space) == [
        {"a": "1", "b": "x", "c": "p"},
        {"a": "2", "b": "y", "c": "q"},
        {"a": "2", "b": "z", "c": "q"},
    ]
    with pytest.raises(ZooError, match="ends before it begins"):
        parse_space({"a": ["2..1"]})
