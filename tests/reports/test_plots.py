"""What notebooks show: figures of data, predictions and runs, and descriptions of networks and weights."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command
from every_data import arguments_of_data, small_data
from matplotlib.figure import Figure
from PIL import Image
from running import DIGITS, ONE_EPOCH

import zoo
from zoo.factory import model_class
from zoo.tasks.compatibility import fits


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in (*figure.texts, *(t for axes in figure.axes for t in axes.texts))]


def check_png(figure: Figure) -> None:
    with Image.open(io.BytesIO(figure._repr_png_())) as image:  # what a notebook shows
        assert image.format == "PNG"
        assert image.width > 300


@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_every_data_set_shows_a_batch_and_what_networks_predict(name: str, tmp_path: Path) -> None:
    data = small_data(name, arguments_of_data(name, tmp_path))
    for split in ("train", "val", "test"):
        figure = data.plot_batch(split)
        check_png(figure)
        assert f"{len(data.splits[split]):,} examples" in figure.get_suptitle()
    targets = [data.splits["test"][index][1] for index in range(min(4, len(data.splits["test"])))]
    if data.target == "class":
        assert {data.classes[int(target)] for target in targets} <= {text.partition(" ")[0] for text in texts(figure)}
    network = next(model for model in zoo.list_models() if fits(model_class(model), data))
    model = zoo.create_model(network, data=data, **({"loss": "bce"} if data.target == "binary" else {}))
    figure = zoo.plot_predictions(model, data)
    check_png(figure)
    if data.target != "value":
        assert any(text.startswith("→") or " → " in text for text in texts(figure))


def test_a_batch_is_shown_as_a_network_gets_it(tmp_path: Path) -> None:
    data = zoo.create_datamodule("digits", augment="MixUp")
    shown = texts(data.plot_batch())
    assert sum("%" in text and ", " in text for text in shown) > 10
    assert not any("%" in text for text in texts(data.plot_batch("val")))


def test_a_batch_needs_no_setup_and_a_split_that_there_is() -> None:
    data = zoo.create_datamodule("xor")
    figure = data.plot_batch()
    assert {"0, 0", "0, 1", "1, 0", "1, 1"} <= set(texts(figure))


def test_predictions_are_green_where_they_are_right() -> None:
    data, model = zoo.create_datamodule("xor"), zoo.create_model("xor", weights="xor")
    shown = zoo.plot_predictions(model, data).texts
    assert {text.get_color() for text in shown if "→" in text.get_text()} == {"tab:green"}
    assert "1 → 1 100%" in [text.get_text() for text in shown]


def test_predictions_of_a_network_that_does_not_fit_are_refused() -> None:
    with pytest.raises(zoo.ZooError, match="expects"):
        zoo.plot_predictions(zoo.create_model("bilstm_sentiment"), zoo.create_datamodule("digits"))


def test_curves_of_one_run_and_of_several(zoo_command: Command) -> None:
    for seed in (0, 1):
        assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--seed", seed).code == 0
    one = zoo.plot_curves("runs/slp-digits/1")
    check_png(one)
    assert [axes.get_title() for axes in one.axes] == ["loss", "accuracy"]
    both = zoo.plot_curves(Path("runs/slp-digits/1"), "runs/slp-digits/2")
    check_png(both)
    assert [axes.get_title() for axes in both.axes] == ["train loss", "val loss", "val accuracy"]
    assert [text.get_text() for text in both.legends[0].get_texts()] == ["1", "2"]
    Path("runs/slp-digits/2/metrics.csv").unlink()
    for folders, message in (
        (["runs/slp-digits"], r"is not a run folder; it has runs in it, such as runs/slp-digits/2"),
        (["runs/nothing"], "it does not exist"),
        (["runs/slp-digits/1", "runs/slp-digits/2"], "runs/slp-digits/2 has no metrics yet"),
        ([], "give run folders"),
    ):
        with pytest.raises(zoo.ZooError, match=message):
            zoo.plot_curves(*folders)


@pytest.mark.parametrize("name", zoo.list_models())
def test_networks_and_weights_describe_themselves_in_notebooks(name: str) -> None:
    model = zoo.create_model(name, weights="default")
    shown = model._repr_html_()
    assert f"{sum(value.numel() for value in model.parameters()):,}" in shown
    assert type(model).__name__ in shown
    assert len(shown) < 5000
    record = zoo.weights_record(name)
    assert record.sha256 in record._repr_html_()


def test_names_in_descriptions_are_not_read_as_html() -> None:
    model = zoo.create_model("slp")
    model.classes = ("<b>", "a & b")
    assert "&lt;b&gt;, a &amp; b" in model._repr_html_()


def test_what_is_plotted_is_imported_when_it_is_needed() -> None:
    code = "import sys, zoo; zoo.create_datamodule; print('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
