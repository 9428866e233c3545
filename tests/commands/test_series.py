"""``zoo fit --seeds``, ``--folds`` and ``zoo sweep``: series of runs in one folder."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest
import torch
from conftest import REPOSITORY, Command
from PIL import Image
from running import DIGITS_ON_CPU, LAST, weights

from zoo.commands.grid import parse_seeds, split_values
from zoo.reports.series_figure import curves_with_spread
from zoo.training.run_folder import claim_folder

SHORT = (*DIGITS_ON_CPU, "--trainer.max_epochs", "2", "--baselines", "false")
EXPERIMENTS = (REPOSITORY / "docs" / "experiments.md").read_text(encoding="utf-8")
SERIES = Path("runs", "mlp-digits", "1")


def read(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def test_seeds_are_runs_of_one_folder_with_one_table(zoo_command: Command) -> None:
    done = zoo_command("fit", "mlp", *SHORT, "--seeds", "0..1")
    assert done.code == 0
    summary = read(SERIES / "summary.json")
    (combination,) = summary["combinations"]
    assert [run["run"] for run in combination["runs"]] == ["seed-0", "seed-1"]
    reached = []
    for run in combination["runs"]:
        results = read(SERIES / run["run"] / "results.json")
        assert run["seed"] == results["seed"] == int(run["run"][-1])
        assert results["command"].endswith(f"--seed {run['seed']}")
        assert {"config.yaml", "run.json", "metrics.csv", "mistakes.csv"} <= {
            path.name for path in (SERIES / run["run"]).iterdir()
        }
        reached.append(results["metrics"]["test"]["acc"])
    assert reached[0] != reached[1]
    assert combination["mean"]["test/acc"] == fmean(reached)
    assert combination["std"]["test/acc"] == stdev(reached)
    rows = {line.split()[0]: line.split() for line in done.out.splitlines() if line}
    column = rows["run"].index("test/acc")
    assert rows["seed-1"][column] == f"{reached[1]:.4f}"
    assert rows["mean"][column - 1] == f"{fmean(reached):.4f}"  # this row has no epochs
    assert rows["std"][column - 1] == f"{stdev(reached):.4f}"
    with Image.open(SERIES / "curves.png") as image:
        assert image.width > 1000

    assert zoo_command("fit", "mlp", *SHORT, "--seed", "1").code == 0
    alone = weights(Path("runs", "mlp-digits", "2", LAST))
    assert all(torch.equal(value, alone[name]) for name, value in weights(SERIES / "seed-1" / LAST).items())

    again = zoo_command("fit", "mlp", *SHORT, "--seeds", "0,1")  # the same runs
    assert again.code == 0
    assert "epoch" not in again.out.partition("run ")[0]  # nothing was trained
    assert summary["combinations"] == read(SERIES / "summary.json")["combinations"]


def test_folds_have_each_example_for_validation_once(zoo_command: Command) -> None:
    done = zoo_command("fit", "mlp", *SHORT, "--folds", "3", "--seeds", "7,2")
    assert done.code == 0
    names = sorted(path.name for path in SERIES.iterdir() if path.is_dir())
    assert names == [f"seed-{seed}-fold-{fold}" for seed in (2, 7) for fold in (1, 2, 3)]
    sizes = [read(SERIES / name / "results.json")["sizes"] for name in names]
    assert sum(size["val"] for size in sizes) == 2 * (1437)
    assert {size["test"] for size in sizes} == {360}
    tested = zoo_command("test", "--ckpt", SERIES / names[0] / LAST, "--baselines", "false")
    assert f"{sizes[0]['val']:,} val" in tested.out  # the checkpoint knows its fold


def test_a_sweep_opens_the_test_set_for_the_best_alone(zoo_command: Command) -> None:
    words = ("sweep", "mlp", *SHORT, "--model.optimizer", "Adam", "--model.lr", "1e-5,0.01")
    done = zoo_command(*words, "--model.optimizer_args", "{betas: [0.9, 0.99]},{}", "--seeds", "0..1")
    assert done.code == 0
    summary = read(SERIES / "summary.json")
    best, *others = summary["combinations"]
    assert best["options"]["model.lr"] == "0.01"
    assert len(others) == 3
    means = [combination["mean"]["val/acc"] for combination in summary["combinations"]]
    assert means == sorted(means, reverse=True)
    for combination in summary["combinations"]:
        for run in combination["runs"]:
            results = read(SERIES / run["run"] / "results.json")
            assert (results["metrics"]["test"] is not None) == (combination is best)
            assert (SERIES / run["run"] / "mistakes.csv").exists() == (combination is best)
            assert results["command"].endswith("--test false") != (combination is best)
    assert "test/acc" in best["mean"]
    table = done.out.partition("\nlr ")[2]
    assert table.splitlines()[1].split()[0] == "0.01"
    assert summary["best"] in done.out
    assert zoo_command(*summary["best"].split()[1:2], "mlp", "--ckpt_path", "last").code == 2  # a series has no config


def test_a_run_of_a_sweep_that_diverges_is_the_last(zoo_command: Command) -> None:
    words = ("sweep", "linear", "--data.val_size", "6", "--trainer.max_epochs", "30", "--model.lr", "1e30,0.01")
    done = zoo_command(*words, "--baselines", "false")
    assert done.code == 0
    assert "zoo: 1: " in done.err
    combinations = read(Path("runs", "linear-quadratic", "1", "summary.json"))["combinations"]
    assert [combination["options"]["model.lr"] for combination in combinations] == ["0.01", "1e30"]
    assert combinations[1]["runs"][0]["failed"].startswith("the loss is inf at step 2")
    assert "failed" in done.out
    done = zoo_command(*words[:-1], "1e30,1e29", "--baselines", "false")
    assert done.code == 2
    assert "zoo: error: no combination of options could be trained; 1: the loss is inf" in done.err
    done = zoo_command("fit", "linear", "--trainer.max_epochs", "30", "--model.lr", "1e30", "--seeds", "0..1")
    assert (done.code, done.err.count("zoo: error: seed-0: ")) == (2, 1)


def test_what_another_process_trains_is_left_to_it(zoo_command: Command) -> None:
    assert zoo_command("fit", "mlp", *SHORT, "--seeds", "0..1").code == 0
    (SERIES / "seed-1" / "results.json").write_text("{}", encoding="utf-8")  # damaged: it is evaluated again
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("zoo.commands.series_work.LOCK_TIMEOUT", 0.2)
        with claim_folder(SERIES, SERIES / "seed-1"):
            done = zoo_command("fit", "mlp", *SHORT, "--seeds", "0..1")
    assert done.code == 0
    assert "Other processes are training seed-1." in done.out
    done = zoo_command("fit", "mlp", *SHORT, "--seeds", "0..1", "--ckpt_path", "last")
    assert "seed-1 (2 of 2)" in done.out
    assert "mean" in done.out


def test_a_closed_test_set_is_opened_later(zoo_command: Command) -> None:
    closed = zoo_command("fit", "mlp", *SHORT[:-2], "--test", "false")
    assert closed.code == 0
    assert "The test set was not opened" in closed.out
    results = read(SERIES / "results.json")
    assert results["metrics"]["test"] is None
    assert not any(results[name] for name in ("baselines", "classes", "calibration"))
    assert sorted(path.name for path in SERIES.glob("*.*") if path.suffix in (".png", ".csv")) == [
        "curves.png",
        "metrics.csv",
    ]
    again = zoo_command("fit", "mlp", *SHORT[:-2], "--ckpt_path", "last", "--test", "false")
    assert "is finished" in again.out
    opened = zoo_command("fit", "mlp", "--data", "digits", "--ckpt_path", "last", "--test", "true")
    assert opened.code == 0
    tested = read(SERIES / "results.json")
    assert tested["metrics"]["test"]["acc"] > 0
    assert {split: tested["metrics"][split] for split in ("train", "val")} == {
        split: results["metrics"][split] for split in ("train", "val")
    }
    assert (tested["steps"], tested["epochs"]) == (results["steps"], results["epochs"])
    assert zoo_command("fit", "mlp", "--ckpt_path", "last").out.count("is finished") == 1
    whole = zoo_command("fit", "mlp", *SHORT[:-2])
    assert whole.code == 0
    assert read(SERIES.parent / "2" / "results.json")["metrics"] == tested["metrics"]


def test_data_that_is_not_there_is_replaced_for_the_whole_series(zoo_command: Command) -> None:
    words = ("slp", *SHORT[2:], "--seeds", "1,2")
    assert zoo_command("fit", *words).code == 0
    done = zoo_command("fit", *words)
    assert "mean" in done.out
    assert [path.name for path in Path("runs").iterdir()] == ["slp-digits"]


def test_a_band_is_one_standard_deviation_around_the_mean() -> None:
    first, second = ({"epoch": 0, "step": 9}, {"epoch": 1, "step": 19})
    logs = [[{**first, "val/loss": loss}, {**second, "val/loss": 4}] for loss in (1, 3)]
    figure = curves_with_spread({("val", "lr 1"): [*logs, logs[0][:1]]})
    assert figure is not None
    (axes,) = figure.axes
    assert axes.get_title() == "val loss"
    assert axes.lines[0].get_xydata().tolist() == [[1.0, 5 / 3], [2.0, 4.0]]
    band = axes.collections[0].get_paths()[0].vertices[:, 1]
    assert min(band) == pytest.approx(5 / 3 - stdev((1, 3, 1)))
    assert max(band) == pytest.approx(4.0)
    assert curves_with_spread({("val", "lr 1"): [[]]}) is None


BAD = {
    "seeds that end before they begin": ("fit", "--seeds", "4..0"),
    "seeds that are none": ("fit", "--seeds", "x"),
    "negative seeds": ("fit", "--seeds=-1..3"),
    "empty seeds": ("fit", "--seeds", "1,,2"),
    "a seed twice": ("fit", "--seeds", "1,2,1"),
    "a seed twice in ranges": ("fit", "--seeds", "0..3,2"),
    "seeds beyond 32 bits": ("fit", "--seeds", "4294967296"),
    "more seeds than runs": ("fit", "--seeds", "0..100000000"),
    "seeds without a value": ("fit", "--seeds"),
    "seed and seeds": ("fit", "--seeds", "0..1", "--seed", "3"),
    "one fold": ("fit", "--folds", "1"),
    "no folds": ("fit", "--folds", "0"),
    "folds that are none": ("fit", "--folds", "five"),
    "more folds than examples of a class": ("fit", "--folds", "500"),
    "folds and val_size": ("fit", "--folds", "5", "--data.val_size", "100"),
    "no jobs": ("fit", "--seeds", "0..1", "--jobs", "0"),
    "jobs that are none": ("fit", "--seeds", "0..1", "--jobs", "many"),
    "jobs of one run": ("fit", "--jobs", "2"),
    "several processes a run": ("fit", "--seeds", "0..1", "--trainer.devices", "2", "--trainer.strategy", "ddp"),
    "nothing to resume": ("fit", "--seeds", "0..1", "--ckpt_path", "last"),
    "resuming from a file": ("fit", "--seeds", "0..1", "--ckpt_path", "some.ckpt"),
    "a wrong option": ("fit", "--seeds", "0..1", "--model.hidden_dim", "0"),
    "a closed test set without a validation part": ("fit", "--data.val_size", "0", "--test", "false"),
    "a sweep of one value each": ("sweep", "--model.lr", "0.1", "--seeds", "0..1"),
    "a sweep of an unknown option": ("sweep", "--model.hiden_dim", "10,20"),
    "a sweep with a wrong value": ("sweep", "--model.lr", "0.1,fast"),
    "a sweep with a value that no network has": ("sweep", "--model.hidden_dim", "20,0"),
    "a sweep with a value twice": ("sweep", "--model.lr", "0.1,0.1"),
    "a sweep with an empty value": ("sweep", "--model.lr", "0.1,"),
    "a sweep of an option twice": ("sweep", "--model.lr", "0.1,1", "--model.lr", "2,3"),
    "a sweep without a validation part": ("sweep", "--model.lr", "0.1,1", "--data.val_size", "0"),
    "a sweep of folds and val_size": ("sweep", "--data.val_size", "100,200", "--folds", "2"),
    "a sweep of too many": ("sweep", "--model.lr", ",".join(map(str, range(1, 600))), "--seeds", "0..1"),
}


@pytest.mark.parametrize("words", BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_writes_nothing(words: tuple[str, ...], zoo_command: Command, tmp_path: Path) -> None:
    done = zoo_command(words[0], "mlp", *DIGITS_ON_CPU, *words[1:])
    assert (done.code, done.err.count("\n")) == (2, 1), done.err
    assert done.err.startswith("zoo: error: ")
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("command", re.findall("^zoo .*?(?=  |$)", EXPERIMENTS, re.MULTILINE))
def test_the_commands_of_the_guide_are_understood(command: str, zoo_command: Command) -> None:
    done = zoo_command(*shlex.split(command)[1:], "--print_config")
    assert done.code == 0, done.err
    assert done.out.startswith("seed: 0")


def test_a_series_in_a_config_is_refused(zoo_command: Command, tmp_path: Path) -> None:
    Path("series.yaml").write_text("seeds: 0..4\n", encoding="utf-8")
    done = zoo_command("fit", "mlp", *DIGITS_ON_CPU, "--config", "series.yaml")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "command line" in done.err
    assert not Path("runs").exists()


def test_help_shows_the_options_of_a_series(zoo_command: Command) -> None:
    for words in (("fit", "mlp"), ("sweep", "mlp", "--model.lr", "0.1,1"), ("fit", "mlp", "--seeds", "0..1")):
        done = zoo_command(*words, "--help")
        assert done.code == 0
        for option in ("--seeds", "--folds", "--jobs", "--test"):
            assert option in done.out


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0.1", ["0.1"]),
        ("0.1, 1,10", ["0.1", "1", "10"]),
        ("{momentum: 0.9, nesterov: true}", ["{momentum: 0.9, nesterov: true}"]),
        ("{momentum: 0.9},{momentum: 0}", ["{momentum: 0.9}", "{momentum: 0}"]),
        ("[1, 2],[3]", ["[1, 2]", "[3]"]),
        ('"a,b"', ["a,b"]),
        ("'a,b',c", ["a,b", "c"]),
        ('{a: "x}", b: 1},2', ['{a: "x}", b: 1}', "2"]),
        ("", [""]),
    ],
)
def test_commas_in_brackets_braces_and_quotes_do_not_divide(text: str, values: list[str]) -> None:
    assert split_values(text) == values


def test_seeds_are_ranges_and_numbers() -> None:
    assert parse_seeds("0..4") == ["0", "1", "2", "3", "4"]
    assert parse_seeds("0,3,7") == ["0", "3", "7"]
    assert parse_seeds("5, 0..1") == ["5", "0", "1"]
