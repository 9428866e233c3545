"""``zoo fit --weights``: runs that start from trained weights, and what is frozen in them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from conftest import Command
from data_files import write_imdb
from running import DIGITS, DIGITS_ON_CPU, LAST, ONE_EPOCH, load, weights
from stand_ins import quiet_trainer

import zoo
from zoo.commands.parser_defaults import fit_parser_with_defaults
from zoo.commands.request import Request
from zoo.datamodules.digits import Digits
from zoo.weights.starting import StartingWeights

BEGIN = ("--trainer.limit_train_batches", 1, "--trainer.max_epochs", 1, "--trainer.accelerator", "cpu")
"""One step: the weights are next to what they started from."""

HEADS = {name: zoo.create_model(name).head for name in zoo.list_models() if zoo.create_model(name).takes == "image"}


def published(name: str) -> tuple[str, dict[str, torch.Tensor]]:
    """The name of the published weights of a network, and the weights."""
    (weights,) = zoo.list_weights(name)
    return weights, zoo.create_model(name, weights=weights).state_dict()


def results(folder: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(folder, "results.json").read_text(encoding="utf-8"))
    return content


def save(path: Path, name: str, **arguments: Any) -> Path:
    """Save a checkpoint of a network with random weights."""
    model, trainer = zoo.create_model(name, **arguments), quiet_trainer()
    trainer.strategy.connect(model)
    trainer.save_checkpoint(path)
    return path


@pytest.mark.parametrize("name", [name for name in zoo.list_models() if zoo.list_weights(name)])
def test_the_defaults_of_a_run_from_published_weights_are_theirs(name: str) -> None:
    (source,) = zoo.list_weights(name)
    start, record = StartingWeights.read(name, source), zoo.weights_record(name, source)
    parser = fit_parser_with_defaults(Request("fit", "zoo fit", model=name, data=record.data), start)
    options = parser.parse_args([])
    shape = {key: value for key, value in record.arguments.items() if key in start.arguments}
    assert {key: options.model[key] for key in shape} == shape
    assert {key: options.data[key] for key in record.data_arguments} == {
        key: options.data[key] if key == "batch_size" else value for key, value in record.data_arguments.items()
    }
    assert not {"lr", "loss", "optimizer", "l1"} & start.arguments.keys()


@pytest.mark.parametrize("name", HEADS)
def test_only_the_head_of_a_frozen_network_trains(name: str, zoo_command: Command) -> None:
    source, before = published(name)
    done = zoo_command("fit", name, *DIGITS, *BEGIN, "--weights", source, "--freeze", "backbone")
    assert done.code == 0, done.err
    assert f"from weights {source}, backbone frozen · " in done.out
    after = weights(Path(f"runs/{name}-digits/1") / LAST)
    changed = {key for key, value in after.items() if not value.equal(before[key])}
    assert changed == {key for key in after if key.startswith(f"{HEADS[name]}.")}


@pytest.mark.parametrize("name", HEADS)
def test_weights_are_where_a_run_starts(name: str, zoo_command: Command) -> None:
    """Of classes by other names the head is new; digits have the names of MNIST's."""
    source, before = published(name)
    done = zoo_command("fit", name, *DIGITS, *BEGIN, "--weights", source, "--model.lr", 1e-12)
    assert done.code == 0, done.err
    after = weights(Path(f"runs/{name}-digits/1") / LAST)
    # At this learning rate an epoch moves no weight by more; a new head differs by far more.
    new = {key for key, value in after.items() if not torch.allclose(value, before[key], atol=1e-6)}
    same_classes = source == "mnist"
    assert new == (set() if same_classes else {key for key in after if key.startswith(f"{HEADS[name]}.")})
    first_line = done.out.splitlines()[0]
    if same_classes:
        assert "is new" not in done.out
        assert results(f"runs/{name}-digits/1")["metrics"]["val"]["acc"] > 0.4  # one in ten, if it knew nothing
    else:
        assert first_line.startswith(f"head {HEADS[name]} is new: the weights are for other classes, such as ")


def test_a_head_of_another_size_is_new(zoo_command: Command, tmp_path: Path) -> None:
    path = save(tmp_path / "three.ckpt", "cifar_cnn", num_classes=3)
    done = zoo_command("fit", "cifar_cnn", *DIGITS, *BEGIN, "--weights", path, "--model.lr", 1e-12)
    assert done.code == 0, done.err
    assert done.out.splitlines()[0] == "head fc3 is new: 10 classes instead of 3"
    after = weights(Path("runs/cifar_cnn-digits/1") / LAST)
    # At this learning rate an epoch moves no weight by more.
    assert torch.allclose(after["fc2.weight"], weights(path)["fc2.weight"], atol=1e-6)
    assert after["fc3.weight"].shape == (10, 84)


def test_what_a_network_is_comes_from_its_weights(zoo_command: Command, tmp_path: Path) -> None:
    """How it is trained comes from the document, and both from the user."""
    words = ("fit", "ffnn", *DIGITS, *ONE_EPOCH, "--out", "first")
    shape = ("--model.hidden_dim", 8, "--model.num_hidden", 3, "--data.image_size", 20, "--data.val_size", 100)
    assert zoo_command(*words, *shape, "--model.lr", 0.02, "--data.batch_size", 32).code == 0
    path = Path("first/ffnn-digits/1") / LAST
    done = zoo_command("fit", "ffnn", *DIGITS, *ONE_EPOCH, "--weights", path, "--model.dropout", 0.5)
    assert done.code == 0, done.err
    assert f"from weights {path} · " in done.out.splitlines()[0]
    config = yaml.safe_load(Path("runs/ffnn-digits/1/config.yaml").read_text(encoding="utf-8"))
    expected = {"hidden_dim": 8, "num_hidden": 3, "in_dim": 400, "dropout": 0.5, "lr": 0.1}
    assert {name: config["model"][name] for name in expected} == expected
    assert {name: config["data"][name] for name in ("image_size", "val_size", "batch_size")} == {
        "image_size": 20,
        "val_size": 100,
        "batch_size": 64,
    }


def test_a_run_records_what_it_started_from_and_can_be_repeated(zoo_command: Command, tmp_path: Path) -> None:
    path = save(tmp_path / "start.ckpt", "slp")
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH).code == 0
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--weights", path, "--freeze", "backbone").code == 0
    assert "weights" not in results("runs/slp-digits/1")
    record = {"file": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    for file in ("results.json", "run.json"):
        assert json.loads(Path("runs/slp-digits/2", file).read_text(encoding="utf-8"))["weights"] == record
    table = zoo_command("results", "runs")
    assert {"weights", "freeze"} <= set(table.out.splitlines()[0].split())
    assert path.name in table.out

    assert zoo_command("fit", "--config", "runs/slp-digits/2/config.yaml").code == 0
    assert all(map(torch.equal, *(weights(Path(f"runs/slp-digits/{n}") / LAST).values() for n in (2, 3))))
    assert results("runs/slp-digits/3")["weights"] == record

    other = zoo_command("fit", "mlp", *DIGITS, *ONE_EPOCH, "--config", "runs/slp-digits/2/config.yaml")
    assert other.code == 0, other.err  # the weights of another network are no more its options than its layers
    assert "from weights" not in other.out


def test_a_resumed_run_needs_no_weights(zoo_command: Command, tmp_path: Path) -> None:
    path = save(tmp_path / "start.ckpt", "slp")
    words = ("fit", "slp", *DIGITS_ON_CPU, "--weights", path)
    assert zoo_command(*words, "--trainer.max_epochs", 1).code == 0
    record = results("runs/slp-digits/1")["weights"]
    path.unlink()
    for number, repeated in enumerate((words, words[:-2])):
        done = zoo_command(*repeated, "--ckpt_path", "last", "--trainer.max_epochs", 2 + number)
        assert done.code == 0, done.err
        assert results("runs/slp-digits/1")["epochs"] == 2 + number
        assert results("runs/slp-digits/1")["weights"] == record
    for wrong, option in (("--weights=mnist", "weights"), ("--freeze=backbone", "freeze")):
        done = zoo_command("fit", "slp", *DIGITS_ON_CPU, "--ckpt_path", "last", "--weights", path, wrong)
        if option == "weights":
            done = zoo_command("fit", "slp", *DIGITS_ON_CPU, "--ckpt_path", "last", wrong)
        assert done.code == 2
        assert f"--{option} is" in done.err
        assert done.err.count("\n") == 1
        assert "start a new run" in done.err


def test_texts_are_read_with_the_words_of_the_weights(zoo_command: Command, tmp_path: Path) -> None:
    write_imdb(tmp_path / "old")
    folder = write_imdb(tmp_path / "new")
    for file in folder.rglob("*.txt"):
        file.write_text("some other words entirely, in another order: film great", encoding="utf-8")
    sizes = ("--data.val_size", 8, "--data.batch_size", 4, "--data.min_frequency", 1, *ONE_EPOCH)
    words = ("fit", "bilstm_sentiment", "--data", "imdb", "--data.root")
    assert zoo_command(*words, tmp_path / "old", *sizes, "--data.vocab_size", 50, "--out", "old").code == 0
    first = Path("old/bilstm_sentiment-imdb/1") / LAST
    done = zoo_command(*words, tmp_path / "new", *ONE_EPOCH, "--weights", first, "--freeze", "backbone")
    assert done.code == 0, done.err
    second = Path("runs/bilstm_sentiment-imdb/1") / LAST
    assert load(second)["zoo"]["transform"] == load(first)["zoo"]["transform"]
    assert weights(second)["embedding.weight"].equal(weights(first)["embedding.weight"])


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("slp", *DIGITS, "--weights", "mnits"), "did you mean 'mnist'"),
        (("slp", *DIGITS, "--weights="), "'slp' has no published weights ''; it has mnist; or give --weights the file"),
        (("slp", *DIGITS, "--weights", "gone.ckpt"), "checkpoint gone.ckpt does not exist"),
        (("slp", *DIGITS, "--weights", "cifar.ckpt"), "contains the network 'cifar_cnn', expected 'slp'"),
        (("slp", *DIGITS, "--weights", "broken.ckpt"), "broken.ckpt is not a checkpoint, or is damaged"),
        (("slp", *DIGITS, "--freeze", "backbone"), "--freeze backbone needs --weights"),
        (("slp", *DIGITS, "--weights", "mnist", "--freeze", "head"), "--freeze"),
        (("slp", *DIGITS, "--weights", "mnist", "--unfreeze_at", 1), "--unfreeze_at needs --freeze backbone"),
        (
            ("slp", *DIGITS, "--weights", "mnist", "--freeze", "backbone", "--unfreeze_at", 0),
            "--unfreeze_at must be at least 1 epoch, got 0",
        ),
        (("linear", "--weights", "quadratic", "--freeze", "backbone"), "needs a network with a head"),
        (
            ("cifar_cnn", *DIGITS, "--weights", "cifar10", "--data.channels", 1),
            "the weights cifar10 do not fit this run: conv1.weight is (6, 3, 5, 5), expected (6, 1, 5, 5); they need "
            "in_channels 3, not 1; give such data",
        ),
        (
            ("cifar_cnn", *DIGITS, "--weights", "cifar10", "--data.image_size", 48),
            "fc1.weight is (120, 400), expected (120, 1296); they need image_size 32, not 48",
        ),
        (("mlp", *DIGITS, "--weights", "mnist", "--model.hidden_dim", 9), "they need hidden_dim 50, not 9"),
    ],
)
def test_weights_that_do_not_fit_are_one_line(
    words: tuple[object, ...], problem: str, zoo_command: Command, tmp_path: Path
) -> None:
    save(tmp_path / "cifar.ckpt", "cifar_cnn")
    (tmp_path / "broken.ckpt").write_bytes(b"PK")
    done = zoo_command("fit", *words)
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert problem in done.err
    assert not (tmp_path / "runs").exists()


def test_the_stand_in_starts_from_the_weights_too(zoo_command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """CIFAR-10 is neither on disk nor to be had; the digits that stand in for it have the shape of its pictures."""
    done = zoo_command("fit", "cifar_cnn", *BEGIN, "--weights", "cifar10")
    assert done.code == 0, done.err
    assert "embedded digits" in done.err
    assert "head fc3 is new" in done.out


def test_names_of_classes_decide_on_the_head(
    zoo_command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Digits, "classes", tuple("9876543210"))
    done = zoo_command("fit", "slp", *DIGITS, *BEGIN, "--weights", "default")
    assert done.code == 0, done.err
    assert done.out.startswith("head fc is new: the weights are for other classes, such as 0\n")


def test_help_shows_the_options(zoo_command: Command) -> None:
    shown = zoo_command("fit", "cifar_cnn", "--help").out
    for option in ("--weights", "--freeze", "--unfreeze_at"):
        assert option in shown
