"""torch.hub and the Hugging Face Hub, both from folders: the tests have no network."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from conftest import REPOSITORY, make_pipe
from documents import DOCUMENTED
from huggingface_hub import ModelCard
from safetensors.torch import save

import zoo
from zoo.sharing import hub
from zoo.tasks.example_inputs import random_inputs


@pytest.mark.parametrize("name", zoo.list_models())
def test_torch_hub_builds_every_network(name: str) -> None:
    model = torch.hub.load(str(REPOSITORY), name, source="local")
    assert type(model) is type(zoo.create_model(name))


def test_torch_hub_takes_weights_and_arguments() -> None:
    model = torch.hub.load(str(REPOSITORY), "slp", source="local", weights="mnist")
    x = torch.rand(3, 784)
    assert torch.equal(model(x), zoo.create_model("slp", weights="mnist")(x))
    assert torch.hub.load(str(REPOSITORY), "mlp", source="local", hidden_dim=7).fc1.out_features == 7


@pytest.mark.parametrize("name", DOCUMENTED)
def test_hugging_face_round_trip(name: str, tmp_path: Path) -> None:
    model = zoo.create_model(name, weights="default")
    hub.save_pretrained(model, tmp_path / "repository")
    again = hub.from_pretrained(tmp_path / "repository")
    x = random_inputs(model, 3)
    assert type(again) is type(model)
    assert not again.training
    assert torch.equal(again(x), model(x))
    assert again.hparams == model.hparams
    assert (again.transform, again.classes) == (model.transform, model.classes)
    card = (tmp_path / "repository" / "README.md").read_text(encoding="utf-8")
    assert "library_name: lightning-zoo" in card
    assert f"# {name}" in card
    assert "Source:" in card


@pytest.mark.parametrize("name", DOCUMENTED)
def test_the_card_tells_what_the_record_knows_while_it_holds(name: str, tmp_path: Path) -> None:
    model, record = zoo.create_model(name, weights="default"), zoo.weights_record(name)
    hub.save_pretrained(model, tmp_path / "published")
    card = ModelCard.load(tmp_path / "published" / "README.md")
    measured = record.metrics["test"]
    assert card.data.datasets == [record.data]
    assert card.data.license_name == record.license
    assert record.license in card.text
    assert card.data.license in ("other", record.license.lower().replace(" ", "-"))
    names = {"acc": "accuracy", "mae": "mae"}
    ((metric, value),) = [(key, value) for key, value in measured.items() if key in names]
    assert card.data.metrics == [names[metric]]
    assert card.data.eval_results[0].metric_value == pytest.approx(value, abs=1e-4)
    test_row = next(line for line in card.text.splitlines() if line.startswith("| test |"))
    assert test_row.split(" | ")[1] == str(record.sizes["test"])
    assert all(f"{value:.4f}" in test_row for value in measured.values())
    assert record.command in card.text

    with torch.no_grad():
        next(model.parameters()).add_(1)  # trained on: the record's metrics are not its any more
    hub.save_pretrained(model, tmp_path / "trained on")
    card = ModelCard.load(tmp_path / "trained on" / "README.md")
    assert card.data.datasets is None
    assert "## Training" not in card.text
    assert card.data.library_name == "lightning-zoo"


def test_what_is_no_network_of_the_zoo_is_refused(tmp_path: Path) -> None:
    model = zoo.create_model("slp")
    hub.save_pretrained(model, tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    config["arguments"]["in_dim"] = 7
    (tmp_path / "config.json").write_text(json.dumps(config), encoding="utf-8")
    with pytest.raises(zoo.ZooError, match="does not contain a network of the zoo"):
        hub.from_pretrained(tmp_path)
    (tmp_path / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(zoo.ZooError, match="does not contain a network of the zoo"):
        hub.from_pretrained(tmp_path)

    class Theirs(zoo.models.SLP):
        pass

    with pytest.raises(zoo.ZooError, match="Theirs is not in the registry"):
        hub.save_pretrained(Theirs(), tmp_path / "theirs")
    assert not (tmp_path / "theirs").exists()


def test_a_pickle_is_not_read(tmp_path: Path) -> None:
    hub.save_pretrained(zoo.create_model("slp"), tmp_path)
    (tmp_path / "model.safetensors").unlink()
    torch.save(zoo.create_model("slp").state_dict(), tmp_path / "pytorch_model.bin")
    with pytest.raises(zoo.ZooError, match="does not contain a network of the zoo"):
        hub.from_pretrained(tmp_path)
    with pytest.raises(zoo.ZooError, match=r"load networks with zoo\.hub\.from_pretrained"):
        hub.HubModel.from_pretrained(tmp_path)


def _header(text: str) -> bytes:
    return len(text).to_bytes(8, "little") + text.encode()


WEIGHTS = {
    "cut": lambda whole: whole[: len(whole) // 2],
    "cut in the header": lambda whole: whole[:20],
    "empty": lambda whole: b"",
    "pickle": lambda whole: pickle.dumps({"fc.weight": [1.0]}),
    "longer": lambda whole: whole + b"x",
    "overlapping": lambda whole: (
        _header(
            '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
        )
        + bytes(4)
    ),
    "long header": lambda whole: (2**62).to_bytes(8, "little") + whole[8:],
    "other weights": lambda whole: save({"fc.weight": torch.zeros(3, 3), "fc.bias": torch.zeros(3)}),
    "no weights": lambda whole: save({}),
    "integers": lambda whole: save({"fc.weight": torch.zeros(10, 784).long()}),
    "missing": None,
    "folder": "folder",
    "pipe": "pipe",
    "link": "link",
}

CONFIGS = {
    "empty": "",
    "no object": "[]",
    "number": "5",
    "deep": "[" * 100_000,
    "no name": '{"arguments": {}}',
    "name is a list": '{"name": ["slp"], "arguments": {}}',
    "unknown name": '{"name": "slq", "arguments": {}}',
    "arguments are a list": '{"name": "slp", "arguments": [784]}',
    "text for a number": '{"name": "slp", "arguments": {"in_dim": "x"}}',
    "huge number": '{"name": "slp", "arguments": {"in_dim": 1' + "0" * 5000 + "}}",
    "huge network": '{"name": "slp", "arguments": {"in_dim": 2000000000}}',
    "unknown argument": '{"name": "slp", "arguments": {"_instantiator": "os.system"}}',
    "other transform": '{"name": "slp", "arguments": {}, "transform": {"name": "Row", "features": 3}}',
    "huge transform": '{"name": "slp", "arguments": {}, "transform": {"name": "Digit", "size": 1000000000}}',
    "few classes": '{"name": "slp", "arguments": {}, "classes": ["a", "b"]}',
    "classes are numbers": '{"name": "slp", "arguments": {}, "classes": [1, 2]}',
    "missing": None,
    "folder": "folder",
    "pipe": "pipe",
    "link": "link",
}


def put(path: Path, content: object) -> None:
    """Put something in the place of a file."""
    path.unlink()
    match content:
        case "folder":
            path.mkdir()
        case "pipe":
            make_pipe(path)
        case "link":
            path.symlink_to("nothing")
        case str() | bytes():
            path.write_bytes(content.encode() if isinstance(content, str) else content)


@pytest.mark.parametrize("how", WEIGHTS.values(), ids=WEIGHTS.keys())
def test_damaged_weights_of_a_repository(how: object, tmp_path: Path) -> None:
    hub.save_pretrained(zoo.create_model("slp", weights="default"), tmp_path)
    path = tmp_path / "model.safetensors"
    put(path, how(path.read_bytes()) if callable(how) else how)
    with pytest.raises(zoo.ZooError, match="does not contain a network of the zoo") as problem:
        hub.from_pretrained(tmp_path)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("content", CONFIGS.values(), ids=CONFIGS.keys())
def test_damaged_config_of_a_repository(content: object, tmp_path: Path) -> None:
    hub.save_pretrained(zoo.create_model("slp", weights="default"), tmp_path)
    put(tmp_path / "config.json", content)
    with pytest.raises(zoo.ZooError, match="does not contain a network of the zoo") as problem:
        hub.from_pretrained(tmp_path)
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize("name", ["no/such/folder", "x" * 300, "a\0b", "", "nowhere"])
def test_a_repository_that_is_not_there(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(zoo.ZooError) as problem:
        hub.from_pretrained(name, local_files_only=True)
    assert "\n" not in str(problem.value)
