"""What the generated pages say is what the registry, the records and the networks say."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from conftest import load_script
from documentation import DOCS
from pages import datasets, facts, home, layers, networks, overview, reference
from pages.layouts import HOW, LAYOUTS, STARTS

import zoo
from zoo.factory import datamodule_class, model_class
from zoo.registry import DATAMODULES, MODELS, ModelRow, models
from zoo.support.signatures import arguments_of


@pytest.mark.parametrize("name", MODELS)
def test_a_networks_page_has_its_numbers_and_its_code(name: str) -> None:
    page = networks.page(facts.Network(name))
    assert page.startswith(f"# {name}\n")
    assert f"zoo/models/{name}.py" in page
    for weights in zoo.list_weights(name):
        record = zoo.weights_record(name, weights)
        assert record.command in page
        assert record.sha256 in page
        assert f"{record.metrics['test'].get('acc', 0):.4f}" in page or record.model in ("linear", "custom_function")


@pytest.mark.parametrize("name", DATAMODULES)
def test_a_data_sets_page_has_its_license_and_how_to_get_it(name: str) -> None:
    page = datasets.page(name)
    assert page.startswith(f"# {name}\n")
    assert DATAMODULES[name].license in page
    assert "## How to get it" in page


@pytest.mark.parametrize("cls", [model_class("slp"), datamodule_class("folder"), model_class("bilstm_sentiment")])
def test_all_options_are_described(cls: type) -> None:
    found = {option.name: option for option in facts.options(cls)}
    assert list(found) == arguments_of(cls)
    assert all(option.text and option.type for option in found.values())
    if cls is model_class("slp"):
        assert found["lr"].default == "0.5"
        assert found["l2"].shared


@pytest.mark.parametrize("name", [name for name in MODELS if name != "custom_function"])
def test_the_layers_have_all_parameters(name: str) -> None:
    network = facts.Network(name)
    found = layers.layers(network.model)
    assert sum(layer.parameters for layer in found) == network.parameters


def test_a_new_network_has_a_page_by_its_row(monkeypatch: pytest.MonkeyPatch) -> None:
    for rows in (MODELS, models()):
        monkeypatch.setitem(rows, "twin", ModelRow("zoo.models.slp:SLP", "another one", "digits", 64, 1))
    page = networks.page(facts.Network("twin"))
    assert "no published weights" in page
    assert 'zoo.create_model("twin")' in page
    assert 'href="networks/twin.html"' in overview.networks_table("networks/")
    assert "twin" not in overview.compare()


def test_operations_are_counted() -> None:
    (layer,) = layers.layers(facts.Network("slp").model)
    assert layer.flops == 2 * 784 * 10
    conv1 = layers.layers(facts.Network("cifar_cnn").model)[0]
    assert conv1.flops == 2 * 5 * 5 * 3 * 6 * 28 * 28
    (lstm, _) = layers.layers(facts.Network("lstm").model)
    (cell, _) = layers.layers(facts.Network("lstm_cell").model)
    assert lstm.flops == cell.flops == 2 * 4 * 128 * (28 + 128) * 28


def test_the_document_stands_beside_the_zoo() -> None:
    assert facts.Network("slp").result() == ("document 0.900 → zoo 0.9008", "training accuracy, evaluated at the end")
    assert facts.Network("linear").result()[0].startswith("document 2.024, 2.966 → zoo 2.0")


PUBLISHED = [name for name in MODELS if zoo.list_weights(name)]


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_run_belongs_to_its_record(name: str) -> None:
    network = facts.Network(name)
    run, record = network.run, network.record
    assert run
    assert record
    assert run["weights"] == record.weights
    rows = network.metrics
    assert 1 < len(rows) <= 100
    if "confusion" in run:
        right = sum(row[place] for place, row in enumerate(run["confusion"]))
        assert right / record.sizes["test"] == pytest.approx(record.metrics["test"]["acc"], abs=1e-6)
    if run["versions"] == record.versions:
        assert run["test"] == record.metrics["test"]


def test_long_metrics_are_thinned(tmp_path: Path) -> None:
    script = load_script("published_runs")
    path = tmp_path / "metrics.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["epoch", "val/loss"], *([n, 0.5 if n % 50 == 0 else ""] for n in range(200))])
    assert script.thinned(path) == [["epoch", "val/loss"], *([f"{n}", "0.5"] for n in (0, 50, 100, 150))]


def test_a_run_is_repeated_and_described(tmp_path: Path) -> None:
    script = load_script("published_runs")
    record = zoo.weights_record("custom_function")
    about = script.describe(record, script.train(record, tmp_path))
    written = facts.Network("custom_function").run
    assert written
    assert about.keys() == written.keys()
    assert about["points"] == [pytest.approx(point, abs=1e-4) for point in written["points"]]
    assert about["test"]["mae"] < 1e-4
    assert about["microseconds"] > 0


def test_what_is_public_is_in_the_reference() -> None:
    found = dict(reference.public())
    assert {"create_model", "weights_record", "ZooError"} <= set(found["zoo"])
    assert {"Task", "ClassifierOptions", "LossName"} <= set(found["zoo.tasks"])
    assert found["zoo.hub"] == ["save_pretrained", "push_to_hub", "from_pretrained"]


def test_every_page_of_docs_is_a_guide() -> None:
    listed = {name for names in home.GUIDES.values() for name in names}
    generated = {line.strip() for line in (DOCS.parent / ".gitignore").read_text(encoding="utf-8").splitlines()}
    pages = [
        path.relative_to(DOCS) for path in (*DOCS.glob("*.md"), *DOCS.glob("guides/*.md"), *DOCS.glob("notebooks/*"))
    ]
    written = {path.with_suffix("").as_posix() for path in pages if f"docs/{path.as_posix()}" not in generated}
    assert written == listed - {"contributing"}


def test_what_is_told_of_data_sets_is_told_of_those_that_exist() -> None:
    assert {*LAYOUTS, *HOW, *STARTS} <= set(DATAMODULES)


def test_samples_are_of_their_data_set() -> None:
    for path in (DOCS / "samples").iterdir():
        found = json.loads(path.read_text(encoding="utf-8"))
        assert tuple(found["classes"]) == tuple(datamodule_class(path.stem).classes)
        assert sum(found.get("counts", [found["sizes"]["train"]])) == found["sizes"]["train"]
