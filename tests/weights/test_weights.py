"""Published weights: what is loaded, what is refused, and that records are made from runs."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import shutil
from pathlib import Path
from types import ModuleType

import pytest
import torch
from conftest import Command, load_script
from documents import DOCUMENTED
from PIL import Image

import zoo
from zoo.factory import datamodule_class
from zoo.tasks.example_inputs import random_inputs
from zoo.weights import WeightsRecord
from zoo.weights import records as weights

PUBLISHED = [(model, name) for model in zoo.list_models() for name in zoo.list_weights(model)]
published = pytest.mark.parametrize(("model", "name"), PUBLISHED)


def test_every_network_of_a_document_has_the_weights_of_it() -> None:
    assert [model for model, _ in PUBLISHED if model in DOCUMENTED] == sorted(DOCUMENTED)
    for model, name in PUBLISHED:
        assert zoo.weights_record(model).weights == zoo.weights_record(model, name).weights == name


def test_all_weights_together_are_small() -> None:
    files = [path for path in weights.FOLDER.iterdir() if path.suffix in (".json", ".safetensors")]
    assert len(files) == 2 * len(PUBLISHED)  # no record without its file, no file without its record
    assert sum(path.stat().st_size for path in files) < 12e6


@published
def test_published_weights_load_and_predict(model: str, name: str) -> None:
    record = zoo.weights_record(model, name)
    network = zoo.create_model(model, weights=name)
    assert not network.training
    assert network.classes == tuple(record.classes)
    assert network.transform is not None
    assert dict(network.hparams) == {**zoo.create_model(model).hparams, **record.arguments}  # newer ones are default
    value = {
        "image": Image.new("L", (28, 28)),
        "table": [1.0, 1.0],
        "text": "One of the best films I have ever seen.",
    }[network.takes]
    if network.takes == "image":
        value.paste(255, (13, 4, 15, 24))  # a one, or a pair of trousers
    labels, values = network.predict(value)
    assert values.shape == (1, network.hparams.get("num_classes", 1))
    assert values.isfinite().all()
    if (name, network.takes) in {("mnist", "image"), ("imdb", "text")}:
        assert labels == ["1" if name == "mnist" else "positive"]


@published
def test_a_record_tells_what_it_must(model: str, name: str) -> None:
    record = zoo.weights_record(model, name)
    assert (record.model, record.weights) == (model, name)
    assert {"train", "test"} <= set(record.metrics) == set(record.sizes)
    assert all(value >= 0 for values in record.metrics.values() for value in values.values())
    assert record.epochs > 0
    assert record.steps > 0
    assert record.command.startswith("zoo fit --model")
    assert {"zoo", "torch", "lightning", "python"} <= set(record.versions)
    assert record.license
    assert tuple(record.classes) == datamodule_class(record.data).classes
    assert record.sha256 == hashlib.sha256(record.file.read_bytes()).hexdigest()
    zoo.create_datamodule(record.data, **record.data_arguments)  # they are arguments of it


@pytest.mark.parametrize("model", [m for m, _ in PUBLISHED if zoo.factory.model_class(m).head])
def test_another_number_of_classes_takes_all_but_the_head(model: str, caplog: pytest.LogCaptureFixture) -> None:
    whole = zoo.create_model(model, weights="default")
    assert not caplog.records
    other = zoo.create_model(model, weights="default", num_classes=7)
    (warning,) = caplog.records
    assert warning.levelno == logging.WARNING
    assert f"the head of {model}" in warning.message
    assert "7 classes" in warning.message
    x = random_inputs(whole, 3)
    assert other(x).shape == (3, 7)
    assert other.classes == ()
    assert torch.equal(other.features(x), whole.features(x))
    backbone = zoo.create_model(model, weights="default", num_classes=0)
    assert torch.equal(backbone(x), whole.features(x))
    assert len(caplog.records) == 1


def test_arguments_that_do_not_fit_are_named() -> None:
    with pytest.raises(zoo.ZooError, match=r"do not fit this 'mlp': fc1.bias is \(50,\), expected \(60,\)"):
        zoo.create_model("mlp", weights="mnist", hidden_dim=60)
    assert zoo.create_model("mlp", weights="mnist", lr=0.1).hparams["lr"] == 0.1


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        ("slp", "minst", "no published weights 'minst'; did you mean 'mnist'?"),
        ("slp", "zzz", "it has mnist"),
        ("slpp", "mnist", "unknown model 'slpp'; did you mean 'slp'?"),
    ],
)
def test_unknown_weights_are_one_line(model: str, name: str, message: str) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_model(model, weights=name)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


# Damage


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of weights of the test's own, with those of slp in it."""
    for path in weights.FOLDER.glob("slp-mnist.*"):
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(weights, "FOLDER", tmp_path)
    return tmp_path


def refused() -> str:
    with pytest.raises(zoo.ZooError) as raised:
        zoo.create_model("slp", weights="mnist")
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_flipped_byte_is_found(folder: Path) -> None:
    file = folder / "slp-mnist.safetensors"
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)
    assert "slp-mnist.safetensors is not the published file: its SHA-256 is" in refused()


def test_a_record_without_its_file_is_found(folder: Path) -> None:
    (folder / "slp-mnist.safetensors").unlink()
    assert "slp-mnist.safetensors cannot be read (No such file or directory); reinstall the zoo" in refused()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": "slp"}', "\x00"])
def test_a_damaged_record_is_found(content: str, folder: Path) -> None:
    (folder / "slp-mnist.json").write_text(content, encoding="utf-8")
    assert "slp-mnist.json is damaged" in refused()


def test_a_wrong_shape_is_found(folder: Path) -> None:
    from safetensors.torch import save_file

    record = zoo.weights_record("slp")
    save_file({"fc.weight": torch.zeros(10, 700), "fc.bias": torch.zeros(10)}, record.file)
    dataclasses.replace(record, sha256=hashlib.sha256(record.file.read_bytes()).hexdigest()).write()
    assert "is damaged: state_dict.fc.weight is (10, 700), expected (10, 784)" in refused()


def test_what_is_no_safetensors_is_found(folder: Path) -> None:
    record = zoo.weights_record("slp")
    torch.save({"fc.weight": torch.zeros(10, 784)}, record.file)
    dataclasses.replace(record, sha256=hashlib.sha256(record.file.read_bytes()).hexdigest()).write()
    assert "is not a safetensors file" in refused()


# Publishing


@pytest.fixture(scope="module")
def publish() -> ModuleType:
    return load_script("publish")


def test_a_run_is_published_and_tested_as_recorded(
    publish: ModuleType, folder: Path, zoo_command: Command, shared_root: Path
) -> None:
    root = ("--data.root", shared_root)
    assert zoo_command("fit", "mlp", *root, "--data.val_size", 50, "--trainer.max_epochs", 2, "--seed", 3).code == 0
    record: WeightsRecord = publish.publish("mlp", Path("runs/mlp-mnist/1"), "tiny")
    results = json.loads(Path("runs/mlp-mnist/1/results.json").read_text(encoding="utf-8"))
    assert record == zoo.weights_record("mlp", "tiny")
    assert record.metrics == results["metrics"]
    assert record.versions["threads"] == "1"
    assert record.versions["processor"]
    assert record.sizes == {"train": 251, "val": 50, "test": 101}
    assert (record.seed, record.epochs, record.data_arguments["val_size"]) == (3, 2, 50)
    assert str(shared_root) not in json.dumps(record.data_arguments)
    done = zoo_command("test", "--model", "mlp", "--weights", "tiny", *root)
    assert done.code == 0, done.err
    assert done.out.endswith("\nas recorded\n")
    dataclasses.replace(record, metrics={**record.metrics, "test": {"loss": 0.1, "acc": 0.99}}).write()
    done = zoo_command("test", "--model", "mlp", "--weights", "tiny", *root)
    assert done.code == 1
    assert "NOT as recorded" in done.out


def test_what_cannot_be_published_is_told(publish: ModuleType, folder: Path, zoo_command: Command) -> None:
    with pytest.raises(zoo.ZooError, match=r"no results\.json"):
        publish.publish("slp", Path("runs"))
    zoo_command("fit", "slp", "--data", "digits", "--trainer.max_epochs", 1)
    with pytest.raises(zoo.ZooError, match="contains the network 'slp', expected 'mlp'"):
        publish.publish("mlp", Path("runs/slp-digits/1"))
    assert not list(folder.glob("mlp-*"))


def test_the_command_line_takes_weights(zoo_command: Command, tmp_path: Path) -> None:
    Image.new("L", (280, 280), 255).save(tmp_path / "blank.png")
    one = Image.new("L", (280, 280), 255)
    one.paste(0, (130, 40, 150, 240))
    one.save(tmp_path / "one.png")
    done = zoo_command("predict", "--model", "digits_cnn", "--weights", "mnist", "one.png", "blank.png")
    assert done.code == 2
    assert done.out.split()[:2] == ["one.png", "1"]
    assert done.err == "zoo: error: blank.png: the picture is empty: it has only one color\n"
    done = zoo_command("predict", "--model", "bilstm_sentiment", "--weights", "imdb", "caf\udce9 good")
    assert "the text is not UTF-8" in done.err
    done = zoo_command("predict", "--model", "linear", "--weights", "default", "1e39,1")
    assert "not finite in single precision" in done.err
    done = zoo_command("predict", "--weights", "mnist", "one.png")
    assert done.err == "zoo: error: --weights mnist needs --model NAME\n"
    done = zoo_command("predict", "--model", "slp", "one.png")
    assert "or --weights mnist" in done.err
    done = zoo_command("predict", "--model", "slp", "--weights", "mnist", "--ckpt", "a.ckpt", "one.png")
    assert "give one of them" in done.err
    assert "--weights mnist: loss" in zoo_command("describe", "slp").out
