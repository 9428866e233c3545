"""``zoo results``: many runs in one table."""

from __future__ import annotations

import csv
from pathlib import Path

from conftest import Command
from running import DIGITS_ON_CPU


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
