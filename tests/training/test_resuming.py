"""Runs that go on: from what, how far, and what they keep."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
import yaml
from conftest import Command
from running import DIGITS, DIGITS_ON_CPU, LAST, load, weights

from zoo.training.metrics_file import read_metrics


def test_a_run_goes_on_from_its_last_checkpoint_in_its_folder(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 1).code == 0
    done = zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 3, "--ckpt_path", "last")
    assert done.code == 0
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 3).code == 0
    assert [row["step"] for row in read_metrics(Path("runs/slp-digits/1/metrics.csv"))] == [19, 39, 59]
    resumed, at_once = (weights(Path(f"runs/slp-digits/{n}/checkpoints/last.ckpt")) for n in (1, 2))
    assert all(torch.equal(resumed[key], at_once[key]) for key in resumed)


def test_a_run_goes_on_from_a_copied_file_in_a_new_folder(zoo_command: Command, trained: Path) -> None:
    (trained / "checkpoints" / "last.ckpt").rename("copied.ckpt")
    assert zoo_command("fit", "slp", *DIGITS, "--trainer.max_epochs", 2, "--ckpt_path", "copied.ckpt").code == 0
    assert json.loads(Path("runs/slp-digits/2/results.json").read_text(encoding="utf-8"))["epochs"] == 2


def test_a_resumed_run_keeps_its_options_its_best_and_its_folder(zoo_command: Command) -> None:
    own = ("--model.lr", 0.25, "--seed", 5, "--data.batch_size", 32)
    assert zoo_command("fit", "slp", *DIGITS, *own, "--trainer.max_epochs", 2).code == 0
    best = Path("runs/slp-digits/1/checkpoints/best.ckpt").read_bytes()
    done = zoo_command("fit", "slp", "--ckpt_path", "last", "--trainer.max_epochs", 3, "--trainer.limit_val_batches", 1)
    assert done.code == 0, done.err
    config = yaml.safe_load(Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8"))
    assert (config["model"]["lr"], config["seed"], config["data"]["batch_size"]) == (0.25, 5, 32)
    assert sorted(p.name for p in Path("runs/slp-digits/1/checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert Path("runs/slp-digits/1/checkpoints/best.ckpt").read_bytes() != best  # the third epoch was better
    for other in (("--model.lr", 0.5), ("--seed", 6), ("--data.val_size", 7)):
        done = zoo_command("fit", "slp", "--ckpt_path", "last", *other)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert other[0] in done.err


def test_a_worse_epoch_after_resuming_is_not_the_best(zoo_command: Command, trained: Path) -> None:
    last = torch.load(trained / "checkpoints" / "last.ckpt", weights_only=True)
    (state,) = [value for key, value in last["callbacks"].items() if key.startswith("ModelCheckpoint")]
    state["best_model_score"] = torch.tensor(-1.0)  # nothing will be better than that
    state["best_k_models"] = dict.fromkeys(state["best_k_models"], torch.tensor(-1.0))
    state["kth_value"] = torch.tensor(-1.0)
    torch.save(last, trained / "checkpoints" / "last.ckpt")
    done = zoo_command("fit", "slp", *DIGITS, "--ckpt_path", "last", "--trainer.max_epochs", 3)
    assert "best checkpoint, after epoch 1 of 3" in done.out


def test_a_damaged_checkpoint_gives_way_to_the_next(zoo_command: Command) -> None:
    words = ("fit", "mlp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2)
    assert zoo_command(*words).code == 0
    folder = Path("runs/mlp-digits/1")
    content = (folder / LAST).read_bytes()
    (folder / LAST).write_bytes(content[: len(content) // 2])
    done = zoo_command(*words[:-1], 3, "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert f"{folder / LAST} is not a checkpoint, or is damaged" in done.err
    assert f"Resuming from {folder / 'checkpoints' / 'best.ckpt'} instead, saved in epoch" in done.err
    assert load(folder / LAST)["epoch"] == 2
    for path in folder.glob("checkpoints/*.ckpt"):
        path.write_bytes(b"nothing")
    done = zoo_command(*words[:-1], 4, "--ckpt_path", "last")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "last.ckpt is not a checkpoint" in done.err


def test_a_finished_run_says_so_and_trains_on_if_asked_to(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2)
    assert zoo_command(*words).code == 0
    folder = Path("runs/slp-digits/1")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    done = zoo_command("fit", "slp", *DIGITS_ON_CPU, "--ckpt_path", "last")
    assert done.code == 0
    assert f"{folder} is finished, after 2 epochs" in done.out
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert zoo_command(*words[:-1], 3, "--ckpt_path", "last").code == 0
    assert json.loads((folder / "results.json").read_text(encoding="utf-8"))["epochs"] == 3


def test_a_run_is_not_made_shorter_than_it_is(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs")
    assert zoo_command(*words, 3).code == 0
    config = Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8")
    done = zoo_command(*words, 2, "--ckpt_path", "last")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "--trainer.max_epochs is 2, but" in done.err
    assert "is already at epoch 3; give at least 3" in done.err
    assert Path("runs/slp-digits/1/config.yaml").read_text(encoding="utf-8") == config
    seconds = []
    for _ in range(2):
        seconds.append(json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))["seconds"])
        assert zoo_command(*words, 5, "--ckpt_path", "last").code == 0
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))
    assert results["command"].endswith("--ckpt_path last")  # by which it became so long
    assert seconds[0] < seconds[1] == results["seconds"]


def test_a_run_whose_schedule_follows_its_length_keeps_it(zoo_command: Command) -> None:
    """A copy of a checkpoint too, with which a run of its own begins."""
    cosine = ("--model.lr_scheduler", "CosineAnnealingLR")
    words = ("fit", "slp", *DIGITS_ON_CPU, *cosine, "--trainer.max_epochs")
    assert zoo_command(*words, 2).code == 0
    folder = Path("runs/slp-digits/1")
    shutil.copy(folder / LAST, "copied.ckpt")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for checkpoint in ("last", "copied.ckpt"):
        done = zoo_command(*words, 3, "--ckpt_path", checkpoint)
        assert (done.code, done.err.count("\n")) == (2, 1), done.err
        assert "CosineAnnealingLR follows the length of the run, and its T_max would change from 2 to 3" in done.err
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert [path.name for path in Path("runs/slp-digits").iterdir()] == ["1"]
    (folder / "results.json").unlink()
    assert zoo_command(*words, 2, "--ckpt_path", "last").code == 0
    given = (*words[:-1], "--model.lr_scheduler_args", "{T_max: 4}", "--trainer.max_epochs")
    assert zoo_command(*given, 2).code == 0
    assert zoo_command(*given, 4, "--ckpt_path", "last").code == 0


def test_a_run_that_lost_patience_trains_on_with_more_of_it(
    zoo_command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("fit", "mlp", *DIGITS_ON_CPU, "--model.lr", 50, "--trainer.max_epochs", 30, "--patience")
    go_on, results = ("--ckpt_path", "last"), Path("runs/mlp-digits/1/results.json")

    def epochs(*options: object) -> int:
        assert zoo_command(*words, *options).code == 0
        found: int = json.loads(results.read_text(encoding="utf-8"))["epochs"]
        return found

    first = epochs(1)
    results.unlink()  # as if it had been killed when it reported
    assert epochs(1, *go_on) == first
    with monkeypatch.context() as killed:  # before it has trained on at all
        killed.setattr("zoo.commands.fit.announce", Mock(side_effect=MemoryError))
        with pytest.raises(MemoryError):
            zoo_command(*words, 4, *go_on)
    assert epochs(4, *go_on) > first


def test_the_newest_run_is_meant_whatever_its_data(zoo_command: Command, tmp_path: Path, shared_root: Path) -> None:
    one = ("--trainer.max_epochs", 1, "--trainer.limit_train_batches", 2)
    mnist = ("--data", "mnist", "--data.root", shared_root, "--data.val_size", 51)
    assert zoo_command("fit", "slp", *mnist, *one).code == 0
    assert zoo_command("fit", "slp", *one).code == 0  # on the digits that stand in
    done = zoo_command("fit", "slp", "--ckpt_path", "last")
    assert f"{Path('runs/slp-digits/1')} is finished" in done.out
    assert zoo_command("fit", "slp", *mnist, "--trainer.max_epochs", 2, "--ckpt_path", "last").code == 0
    assert f"{Path('runs/slp-mnist/1')} is finished" in zoo_command("fit", "slp", "--ckpt_path", "last").out


def test_a_run_that_has_no_checkpoint_yet_is_named(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1)
    assert zoo_command(*words).code == 0
    Path("runs/slp-digits/3").mkdir()  # as one that was killed before its training leaves it
    Path("runs/slp-digits/2").mkdir()
    Path("runs/slp-digits/2/config.yaml").touch()  # as one that was killed at once leaves it
    done = zoo_command(*words, "--ckpt_path", "last")
    assert (
        f"{Path('runs/slp-digits/2')}, ended before its first checkpoint; resuming {Path('runs/slp-digits/1')} instead"
        in done.err
    )
    assert f"{Path('runs/slp-digits/1')} is finished" in done.out
    Path("runs/slp-digits").rename("old")
    Path("runs/slp-digits/1").mkdir(parents=True)
    Path("runs/slp-digits/1/config.yaml").touch()
    done = zoo_command(*words, "--ckpt_path", "last")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"{Path('runs/slp-digits/1')} ended before its first checkpoint" in done.err
