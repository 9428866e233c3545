"""Weights of the classes, and smoothed labels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import Command
from data_files import imdb, write_imdb
from lightning.pytorch import Trainer
from running import DIGITS, LAST, ONE_EPOCH, load
from sklearn.utils.class_weight import compute_class_weight
from stand_ins import Words, batches, quiet_trainer
from torch import Tensor

import zoo
from zoo.datamodules.common import DataModule
from zoo.datamodules.common.examples import Batches
from zoo.datamodules.digits import Digits
from zoo.factory import model_class
from zoo.tasks import Classifier
from zoo.tasks.class_weights import resolve_class_weight

CLASSIFIERS = [name for name in zoo.list_models() if issubclass(model_class(name), Classifier)]


class Streamed(Batches):
    """Examples that are not in memory."""

    def __len__(self) -> int:
        return 5

    def batch(self, indices: list[int]) -> tuple[Tensor, Tensor]:
        return torch.zeros(len(indices), 2), torch.tensor([[0, 1, 1, 2, 1][index] for index in indices])


def set_up(data: DataModule) -> DataModule:
    data.setup()
    return data


def test_balanced_is_scikit_learns(tmp_path: Path) -> None:
    data = set_up(zoo.create_datamodule("digits", val_size=0.3))
    targets = data.splits["train"].labels()
    counts = data.class_counts()
    assert sum(counts) == len(targets)
    found = resolve_class_weight("balanced", 10, data.classes, counts)
    assert found == pytest.approx(compute_class_weight("balanced", classes=np.arange(10), y=targets.numpy()).tolist())
    assert max(found) > min(found)
    write_imdb(tmp_path)
    assert sum(imdb(tmp_path).class_counts()) == 32
    assert Streamed().labels().tolist() == [0, 1, 1, 2, 1]


@pytest.mark.parametrize(
    ("given", "resolved"),
    [
        ({"cat": 2.0, "dog": 0.5}, [2.0, 0.5, 1.0]),
        ({"2": 3}, [1.0, 1.0, 3.0]),
        ([1, 0, 2.5], [1.0, 0.0, 2.5]),
    ],
)
def test_a_class_is_known_by_its_name_or_its_index(given: Any, resolved: list[float]) -> None:
    assert resolve_class_weight(given, 3, ("cat", "dog", "eel")) == resolved


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_every_classifier_takes_both_or_says_why_not(name: str) -> None:
    torch.manual_seed(0)  # outputs that are all equal would not tell
    smooth = zoo.create_model(name, label_smoothing=0.3)
    plain = zoo.create_model(name)
    plain.load_state_dict(smooth.state_dict())
    x = plain.eval().example_input_array
    y = torch.zeros(1, dtype=torch.int64) if not plain.multilabel else torch.zeros(1, 1)
    before, after = (float(model.eval().training_step((x, y), 0)) for model in (plain, smooth))
    assert before != pytest.approx(after, rel=1e-4)
    if plain.multilabel:
        with pytest.raises(zoo.ZooError, match="class_weight is not for multi-label networks"):
            zoo.create_model(name, class_weight="balanced")
        return
    classes = plain.num_classes
    weighted = zoo.create_model(name, class_weight=[2.0] * classes).eval()
    weighted.load_state_dict(plain.state_dict())
    assert float(weighted.training_step((x, y), 0)) == pytest.approx(2 * before, rel=1e-5)
    assert plain.state_dict().keys() == weighted.state_dict().keys()


def test_recorded_losses_are_without_weights_and_smoothing() -> None:
    """So a run with them can be compared with one without, and its training with its validation."""
    losses = {}
    for options in ({}, {"class_weight": [3.0] * 10, "label_smoothing": 0.2}):
        torch.manual_seed(0)
        model, trainer = zoo.create_model("fcnet", lr=1e-12, **options), quiet_trainer()
        trainer.fit(model, batches(), batches())
        losses[bool(options)] = {name: float(value) for name, value in trainer.callback_metrics.items()}
    assert losses[True] == pytest.approx(losses[False], rel=1e-5)
    assert losses[True]["train/loss"] == pytest.approx(losses[True]["val/loss"], rel=1e-5)


def test_a_checkpoint_keeps_what_the_data_said(tmp_path: Path) -> None:
    model, trainer = zoo.create_model("slp", class_weight="balanced"), quiet_trainer()
    data = zoo.create_datamodule("digits")
    trainer.fit(model, data)
    expected = resolve_class_weight("balanced", 10, (), data.class_counts())
    assert model.class_weights.tolist() == pytest.approx(expected)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    loaded = zoo.load_model(tmp_path / "a.ckpt")
    assert loaded.class_weights.equal(model.class_weights)
    batch = next(iter(batches()))
    assert loaded.training_step(batch, 0).equal(model.training_step(batch, 0))
    # In a training of its own it takes those of the new data.
    quiet_trainer().fit(loaded, zoo.create_datamodule("digits", val_size=700))
    assert not loaded.class_weights.equal(model.class_weights)


def test_weights_that_need_data_say_so_without_it() -> None:
    model = zoo.create_model("slp", class_weight="balanced")
    with pytest.raises(zoo.ZooError, match="not known yet"):
        quiet_trainer().fit(model, batches())
    model.weigh_classes(set_up(zoo.create_datamodule("digits")))
    quiet_trainer().fit(model, batches())


def test_names_that_are_numbers_can_be_given_as_numbers(zoo_command: Command) -> None:
    model = zoo.create_model("slp", class_weight={3: 2.0})
    model.weigh_classes()
    assert model.class_weights.tolist() == [1.0, 1.0, 1.0, 2.0, *[1.0] * 6]
    done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--model.class_weight", "{3: 2.0}")
    assert done.code == 0, done.err
    saved = load(Path("runs/slp-digits/1") / LAST)["zoo"]["class_weights"]
    assert saved == [1.0, 1.0, 1.0, 2.0, *[1.0] * 6]
    assert zoo_command("fit", "--config", "runs/slp-digits/1/config.yaml").code == 0
    assert load(Path("runs/slp-digits/2") / LAST)["zoo"]["class_weights"] == saved
    assert zoo_command("test", "--ckpt", Path("runs/slp-digits/1") / LAST).code == 0
    longer = ("--model.class_weight", "{3: 2.0}", "--ckpt_path", "last", "--trainer.max_epochs", 2)
    done = zoo_command("fit", "slp", *DIGITS, *longer)
    assert done.code == 0, done.err


def test_weights_move_with_the_network() -> None:
    model = zoo.create_model("slp", class_weight=[1.0] * 10)
    assert model.double().class_weights.dtype == torch.float64
    model = zoo.create_model("bilstm_sentiment", class_weight={"b": 4.0}, vocab_size=3)
    trainer = Trainer(fast_dev_run=True, accelerator="cpu", enable_progress_bar=False, enable_model_summary=False)
    trainer.fit(model, Words())
    assert model.class_weights.tolist() == [1.0, 4.0]


@pytest.mark.parametrize(
    ("model", "option", "value", "problem"),
    [
        ("slp", "class_weight", "balancd", "class_weight"),
        ("slp", "class_weight", "{cat: 2}", "class_weight has the unknown class 'cat'; the classes are 0, 1, 2"),
        ("slp", "class_weight", "{'11': 2}", "class_weight has the unknown class '11'"),
        ("slp", "class_weight", "[1, 2]", "class_weight has 2 weights, but there are 10 classes"),
        ("slp", "class_weight", "{'1': -1}", "class_weight must have finite numbers of at least 0, got -1"),
        ("slp", "class_weight", "{'1': .nan}", "class_weight must have finite numbers of at least 0, got nan"),
        ("slp", "class_weight", "[0, 0, 0, 0, 0, 0, 0, 0, 0, 0]", "class_weight has no weight above 0"),
        ("slp", "label_smoothing", 1.0, "label_smoothing must be at least 0 and below 1, got 1.0"),
        ("slp", "label_smoothing", -0.1, "label_smoothing must be at least 0 and below 1"),
        ("xor", "class_weight", "balanced", "class_weight is not for multi-label networks"),
        ("linear", "class_weight", "balanced", "unknown option --model.class_weight"),
        ("linear", "label_smoothing", 0.1, "unknown option --model.label_smoothing"),
    ],
)
def test_wrong_values_are_one_line(
    model: str, option: str, value: object, problem: str, zoo_command: Command, tmp_path: Path
) -> None:
    data = () if model in ("xor", "linear") else DIGITS
    done = zoo_command("fit", model, *data, f"--model.{option}={value}")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert problem in done.err
    assert not (tmp_path / "runs").exists()


def test_a_class_without_examples_cannot_be_balanced(
    zoo_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Digits, "class_counts", lambda self: [3, 4, 0, *[1] * 7])
    done = zoo_command("fit", "slp", *DIGITS, "--model.class_weight", "balanced")
    assert done.code == 2
    assert "class_weight balanced needs training examples of each class, but '2' has none" in done.err
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("damaged", [[1.0] * 9, [float("nan")] * 10, [-1.0] * 10, ["a"] * 10, 3])
def test_damaged_weights_of_classes_are_named(damaged: Any, tmp_path: Path) -> None:
    model, trainer = zoo.create_model("slp", class_weight=[1.0] * 10), quiet_trainer()
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    checkpoint = load(tmp_path / "a.ckpt")
    checkpoint["zoo"]["class_weights"] = damaged
    torch.save(checkpoint, tmp_path / "a.ckpt")
    with pytest.raises(zoo.ZooError, match=r"is damaged: zoo\.class_weights"):
        zoo.load_model(tmp_path / "a.ckpt")
