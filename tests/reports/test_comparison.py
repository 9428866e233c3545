"""``zoo compare``: some runs side by side."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from conftest import Command
from matplotlib.colors import same_color
from running import DIGITS_ON_CPU

from zoo.reports.comparison import curves
from zoo.reports.run_results import differing_options, read_run

A, B = "runs/slp-digits/1", "runs/slp-digits/2"


@pytest.fixture
def two_runs(zoo_command: Command) -> tuple[Path, Path]:
    """Runs of one network, with different rates and of different lengths."""
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.limit_train_batches", 3, "--trainer.max_epochs")
    assert zoo_command(*words, 1).code == 0
    assert zoo_command(*words, 3, "--model.lr", 0.1, "--model.optimizer_args", "{momentum: 0.9}").code == 0
    return Path(A), Path(B)


def test_two_runs_are_compared(two_runs: tuple[Path, Path], zoo_command: Command) -> None:
    done = zoo_command("compare", A, B, "--out", "both.png")
    assert done.code == 0, done.err
    table = {words[0]: words[1:] for line in done.out.splitlines() if (words := line.split())}
    first, second = map(read_run, two_runs)
    assert table[str(Path("runs/slp-digits"))] == ["1", "2"]
    assert table["lr"] == ["0.5", "0.1"]
    assert table["optimizer_args.momentum"] == ["–", "0.9"]
    assert table["test/acc"] == [f"{run['test/acc']:.4f}" for run in (first, second)]
    assert table["epochs"] == ["1", "3"]
    assert table["parameters"] == ["7,850", "7,850"]
    assert not table.keys() & {"model", "data", "seed", "loss", "data.batch_size", "max_epochs"}
    assert table["figure"] == ["both.png"]
    assert Path("both.png").read_bytes().startswith(b"\x89PNG")
    assert zoo_command("compare", A, B).code == 0
    assert Path("compare.png").exists()


def test_many_runs_with_long_names_fit_a_terminal(
    two_runs: tuple[Path, Path], zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [Path(f"runs/an-experiment-with-a-name-{letter * 9}/1") for letter in "abcdefgh"]
    for folder in folders:
        shutil.copytree(two_runs[0], folder)
    monkeypatch.setenv("COLUMNS", "80")
    done = zoo_command("compare", *folders)
    assert done.code == 0, done.err
    assert max(map(len, done.out.splitlines())) <= 80
    assert len({word for word in done.out.split() if word.startswith("an-experi")}) == 8


def test_an_option_that_an_old_run_lacks_is_off(two_runs: tuple[Path, Path]) -> None:
    old, new = two_runs
    shutil.rmtree(new)
    shutil.copytree(old, new)
    config = yaml.safe_load((old / "config.yaml").read_text(encoding="utf-8"))
    for section, option in (("model", "label_smoothing"), ("model", "l1"), ("data", "augment")):
        del config[section][option]
    (old / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert differing_options([read_run(old), read_run(new)]) == []
    config["model"]["label_smoothing"] = 0.1
    config["trainer"]["limit_val_batches"] = 0
    (old / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    assert sorted(differing_options([read_run(old), read_run(new)])) == [
        *("model.label_smoothing", "trainer.limit_val_batches")
    ]


def test_the_arguments_of_a_class_differ_only_if_both_runs_have_it(two_runs: tuple[Path, Path]) -> None:
    def run_with(folder: Path, *callbacks: tuple[str, dict[str, object]]) -> dict[str, object]:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        config["model"] = {"name": "slp"}
        config["trainer"]["callbacks"] = [{"class_path": f"a.b.{name}", "init_args": args} for name, args in callbacks]
        (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
        return read_run(folder)

    plain, timed = run_with(two_runs[0]), run_with(two_runs[1], ("Timer", {"interval": "step"}))
    assert differing_options([plain, timed]) == ["trainer.callbacks.Timer"]
    other = run_with(two_runs[0], ("Timer", {"interval": "epoch"}))
    assert differing_options([other, timed]) == ["trainer.callbacks.Timer.interval"]


def test_the_curves_of_each_run_have_its_color_in_every_panel() -> None:
    def log(epochs: int, metric: str) -> list[dict[str, float]]:
        return [
            {"epoch": epoch, "step": 20 * epoch + 19, "train/loss": 1 / (epoch + 1), f"val/{metric}": 0.5}
            for epoch in range(epochs)
        ]

    logs = {f"run $x$ {number}": log(number + 1, "mae" if number == 5 else "acc") for number in range(12)}
    figure = curves({**logs, "empty": []}, "runs")
    assert figure is not None
    assert [axes.get_title() for axes in figure.axes] == ["train loss", "val accuracy", "val mae"]
    loss, accuracy, mae = (axes.lines for axes in figure.axes)
    assert [len(line.get_xdata()) for line in loss] == list(range(1, 13))
    assert [list(line.get_xdata()) for line in loss[:3]] == [[1], [1, 2], [1, 2, 3]]
    assert (len(accuracy), len(mae)) == (11, 1)
    assert same_color(mae[0].get_color(), loss[5].get_color())
    assert len({str(line.get_color()) for line in loss}) == 12
    assert len(figure.legends[0].get_texts()) == 12
    assert curves({"empty": []}, "") is None


def test_what_cannot_be_compared_is_one_line(two_runs: tuple[Path, Path], zoo_command: Command) -> None:
    def error(*words: object) -> str:
        done = zoo_command("compare", *words)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert not Path("compare.png").exists()
        return done.err

    assert f"{Path('runs/slp-digits')} is not a run folder; it has runs in it, such as" in error("runs/slp-digits", A)
    (two_runs[0] / "results.json").rename("results.json")
    assert f"{Path(A)} is not finished; resume it with --ckpt_path {Path(A, 'checkpoints/last.ckpt')}" in error(A, B)
    for name, text in (("results.json", "{}"), ("config.yaml", "- a\n- b"), ("metrics.csv", "x,y\n1,2\n")):
        whole = (two_runs[1] / name).read_bytes()
        (two_runs[1] / name).write_text(text, encoding="utf-8")
        shutil.copy("results.json", two_runs[0])
        assert str(Path(B, name)) in error(A, B)
        (two_runs[1] / name).write_bytes(whole)
    (two_runs[1] / "metrics.csv").unlink()
    done = zoo_command("compare", A, B)
    assert done.code == 0
    assert f"there are no curves of {Path(B, 'metrics.csv')}" not in done.out
    assert done.err.count("\n") == 1
