"""``zoo results``: many runs in one table."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from conftest import Command
from running import DIGITS_ON_CPU
from test_strangers import write_run

import zoo


def test_results_of_many_runs_are_one_table(zoo_command: Command) -> None:
    for seed in (0, 1):
        assert zoo_command("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1, "--seed", seed).code == 0
    assert zoo_command("fit", "xor", "--trainer.max_epochs", 2, "--name", "other").code == 0
    Path("runs/other/1").rename("runs/other/10")
    broken = Path("runs/broken/1/results.json")
    broken.parent.mkdir(parents=True)
    broken.write_text("{}", encoding="utf-8")
    done = zoo_command("results", "runs", "--csv", "all.csv")
    assert done.code == 0
    assert f"zoo: {broken} is not a results file; skipped" in done.err
    lines = done.out.splitlines()
    assert [line.split()[0] for line in lines] == ["run", "runs/other/10", "runs/slp-digits/1", "runs/slp-digits/2"]
    with Path("all.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["seed"] for row in rows] == ["0", "0", "1"]
    assert 0 < float(rows[1]["test/acc"]) < 1
    assert rows[0]["val/acc"] == ""


def test_results_tell_options_apart_and_leave_out_what_trained_nothing(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.enable_model_summary", "false", "--trainer.max_epochs")
    for options in ((1, "--model.lr", 0.1), (1, "--model.lr", 0.5), (1, "--patience", 3), (0,)):
        assert zoo_command(*words, *options).code == 0
    assert zoo_command(*words, 1, "--trainer.fast_dev_run", "true").code == 0
    assert zoo_command("fit", "linear", "--trainer.max_epochs", 1, "--out", "runs").code == 0
    done = zoo_command("results", "runs/slp-digits", "--csv", "all.csv")
    header, *lines = done.out.splitlines()
    assert header.split() == ["run", "lr", "patience", "epochs", "seconds", "val/acc", "test/acc", "test/loss"]
    assert [line.split()[1:3] for line in lines] == [["0.1", "–"], ["0.5", "–"], ["0.5", "3"]]
    assert max(map(len, done.out.splitlines())) <= 80
    assert done.err.count("trained nothing; skipped") == 2
    with Path("all.csv").open(encoding="utf-8") as file:
        assert [row["model.lr"] for row in csv.DictReader(file)] == ["0.1", "0.5", "0.5"]
    header = zoo_command("results").out.splitlines()[0]  # the rate of another network is none that differs
    assert header.split()[:5] == ["run", "model", "data", "lr", "patience"]


@pytest.fixture
def made() -> None:
    """Runs of two networks, one of them with a metric that is not finite."""
    for number, (model, metrics, seed) in enumerate(
        [
            ("slp", {"acc": 0.7, "loss": 0.3, "rmse": 2.0}, 0),
            ("slp", {"acc": 0.9, "loss": 0.4, "rmse": 1.0}, 1),
            ("mlp", {"acc": None, "loss": None}, 2),
            ("mlp", {"acc": 0.8, "loss": 0.2, "rmse": 3.0}, 3),
        ]
    ):
        config = f"model:\n  lr: {0.1 * seed}\n  optimizer_args: {{momentum: 0.{seed}}}\n"
        path = write_run(Path(f"runs/a/{number}"), model=model, metrics={"test": metrics}, seed=seed)
        path.with_name("config.yaml").write_text(config, encoding="utf-8")


@pytest.mark.parametrize(
    ("by", "order"),
    [
        ("test/acc", [1, 3, 0, 2]),
        ("test/loss", [3, 0, 1, 2]),
        ("test/rmse", [1, 0, 3, 2]),
        ("seed", [0, 1, 2, 3]),
        ("model", [2, 3, 0, 1]),
        ("lr", [0, 1, 2, 3]),
        ("model.optimizer_args.momentum", [0, 1, 2, 3]),
    ],
)
def test_results_are_sorted_best_first(made: None, by: str, order: list[int], zoo_command: Command) -> None:
    done = zoo_command("results", "--sort", by, "--csv", "x.csv")
    header, *lines = done.out.splitlines()
    assert by.removeprefix("model.") in header.split()
    assert [line.split()[0] for line in lines] == [str(Path(f"runs/a/{number}")) for number in order]
    with Path("x.csv").open(encoding="utf-8") as file:
        assert [int(row["seed"]) for row in csv.DictReader(file)] == order


@pytest.mark.parametrize(
    ("conditions", "seeds"),
    [
        (["model=slp"], [0, 1]),
        (["model=slp", "seed=1"], [1]),
        (["lr=2e-1"], [2]),
        (["model.lr=.1"], [1]),
        (["test/acc=null"], [2]),
        (["optimizer_args.momentum=0.3"], [3]),
    ],
)
def test_results_are_filtered(made: None, conditions: list[str], seeds: list[int], zoo_command: Command) -> None:
    words = [word for condition in conditions for word in ("--where", condition)]
    done = zoo_command("results", "runs", *words)
    assert done.code == 0, done.err
    assert [line.split()[0] for line in done.out.splitlines()[1:]] == [str(Path(f"runs/a/{seed}")) for seed in seeds]


def test_a_table_fits_the_terminal(made: None, zoo_command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    (whole,) = zoo_command("results").out.strip().split("\n\n")
    monkeypatch.setenv("COLUMNS", "40")
    blocks = zoo_command("results").out.strip().split("\n\n")
    assert len(blocks) == 4
    assert max(len(line) for block in blocks for line in block.splitlines()) <= 40
    heads = [block.splitlines()[0].split() for block in blocks]
    assert {head[0] for head in heads} == {"run"}
    assert ["run", *(name for head in heads for name in head[1:])] == whole.splitlines()[0].split()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--sort", "test/ac"], "no run has 'test/ac'; did you mean 'test/acc'?"),
        (["--sort", "qqq"], "no run has 'qqq'; there are options, and run, model, data, seed, epochs,"),
        (["--where", "modle=slp"], "no run has 'modle'; did you mean 'model'?"),
        (["--where", "model=cnn"], "no run has model=cnn; there are slp, mlp"),
        (["--where", "model"], "--where takes a condition such as model=mlp, got model"),
    ],
)
def test_bad_columns_and_conditions_are_one_line(
    made: None, words: list[str], message: str, zoo_command: Command
) -> None:
    done = zoo_command("results", *words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert message in done.err


def test_results_are_dictionaries(made: None, capsys: pytest.CaptureFixture[str]) -> None:
    write_run(Path("runs/idle/1"), steps=0)
    write_run(Path("runs/broken/1"), model=["slp"])
    write_run(Path("runs/nested/1"), metrics={"test": {"acc": 0.5, "classes": {"a": 1}}, "val": None})
    rows = zoo.read_results("runs")
    assert rows[1] == {
        "run": str(Path("runs/a/1")),
        "model": "slp",
        "data": "digits",
        "seed": 1,
        "epochs": 1,
        "steps": 2,
        "seconds": 0.5,
        "parameters": None,
        "test/acc": 0.9,
        "test/loss": 0.4,
        "test/rmse": 1.0,
        "model.lr": 0.1,
        "model.optimizer_args.momentum": 0.1,
    }
    assert [row["run"] for row in rows] == [
        str(Path(f"runs/{name}")) for name in ("a/0", "a/1", "a/2", "a/3", "nested/1")
    ]
    assert rows[-1]["test/acc"] == 0.5
    assert capsys.readouterr().err.splitlines() == [
        f"zoo: {Path('runs/broken/1/results.json')} is not a results file; skipped",
        f"zoo: {Path('runs/idle/1')} trained nothing; skipped",
    ]
    assert zoo.read_results() == rows
    assert zoo.read_results(Path("runs/a"), "runs/nested") == rows
    with pytest.raises(zoo.ZooError, match="nowhere is not a directory"):
        zoo.read_results("nowhere")
