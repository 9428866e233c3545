"""The table and the figure of what a network gets wrong."""

from __future__ import annotations

import csv
import itertools
from pathlib import Path

import pytest
import torch
from conftest import Command
from data_files import write_celeba
from every_data import arguments_of_data
from matplotlib.figure import Figure
from PIL import Image
from running import DIGITS, ONE_EPOCH

import zoo
from zoo.reports import figures
from zoo.reports.mistakes import draw_mistakes, mistakes
from zoo.reports.predictions import Predictions


def table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in (*figure.texts, *(t for axes in figure.axes for t in axes.texts))]


def test_every_wrong_answer_is_in_the_table_the_surest_first(zoo_command: Command) -> None:
    assert zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH).code == 0
    rows = table(Path("runs/slp-digits/1/mistakes.csv"))
    model = zoo.load_model("runs/slp-digits/1/checkpoints/best.ckpt")
    data = zoo.create_datamodule("digits")
    data.setup()
    x, y = data.splits["test"].tensors
    values = model.predict(data.scale(x)).values
    wrong = (values.argmax(1) != y).nonzero()[:, 0].tolist()
    assert sorted(int(row["example"]) for row in rows) == wrong
    assert [row["probability"] for row in rows] == sorted((row["probability"] for row in rows), reverse=True)
    for row in rows:
        index = int(row["example"])
        assert (row["true"], row["predicted"]) == (str(int(y[index])), str(int(values[index].argmax())))
        assert float(row["probability"]) == pytest.approx(float(values[index].max()), abs=1e-6)
    with Image.open("runs/slp-digits/1/mistakes.png") as image:
        assert image.width > 800


@pytest.mark.parametrize(("name", "network"), [("csv", "mlp"), ("text", "bilstm_sentiment"), ("folder", "cifar_cnn")])
def test_mistakes_of_the_users_own_data(name: str, network: str, tmp_path: Path, zoo_command: Command) -> None:
    (tmp_path / "own").mkdir()
    written = arguments_of_data(name, tmp_path / "own")
    words = [word for key, value in written.items() for word in (f"--data.{key}", value)]
    done = zoo_command("fit", network, "--data", name, *words, *ONE_EPOCH, "--model.lr", 1e-9)
    assert done.code == 0, done.err
    run = Path(f"runs/{network}-{name}/1")
    rows = table(run / "mistakes.csv")
    assert rows
    assert (run / "mistakes.png").stat().st_size > 5_000
    if name == "folder":
        assert all(Path(row["example"]).is_file() for row in rows)


def test_the_figure_shows_words_and_values() -> None:
    for name, shown in (("text", "film"), ("csv", "width")):
        Path(name).mkdir()
        data = zoo.create_datamodule(name, **arguments_of_data(name, Path(name)))
        data.setup()
        size = len(data.splits["test"])
        values = torch.zeros(size, len(data.classes))
        values[:, 0] = 1
        predictions = Predictions(torch.arange(size), values, data.splits["test"].labels())
        figure = draw_mistakes(data, mistakes(data, predictions, data.classes), "title")
        assert any(shown in text for text in texts(figure)), texts(figure)
        assert sum(f"→ {data.classes[0]} 100%" in text for text in texts(figure)) >= 1


def test_each_wrong_label_is_a_mistake(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    data = zoo.create_datamodule("celeba", root=str(tmp_path))
    data.setup()
    targets = data.splits["test"].labels()
    values = targets.clone().float()
    values[0, 3], values[1, 5] = 0.9 - 0.8 * targets[0, 3], 0.8 - 0.6 * targets[1, 5]
    found = mistakes(data, Predictions(torch.arange(len(targets)), values, targets), data.classes)
    assert [one.index for one in found] == [0, 1]
    assert [round(one.probability, 3) for one in found] == [0.9, 0.8]
    true, predicted = (f"{'' if targets[0, 3] == yes else 'not '}{data.classes[3]}" for yes in (1, 0))
    assert (found[0].true, found[0].predicted) == (true, predicted)
    assert any(data.classes[3][:8] in text for text in texts(draw_mistakes(data, found, "title")))


def test_a_perfect_network_has_an_empty_table(zoo_command: Command) -> None:
    assert zoo_command("fit", "xor", *ONE_EPOCH[2:], "--trainer.max_epochs", 3000).code == 0
    run = Path("runs/xor-xor/1")
    assert (run / "mistakes.csv").read_text(encoding="utf-8").splitlines() == ["example,true,predicted,probability"]
    assert not (run / "mistakes.png").exists()


def test_numbers_are_sorted_by_their_error(zoo_command: Command) -> None:
    assert zoo_command("fit", "linear", *ONE_EPOCH).code == 0
    rows = table(Path("runs/linear-quadratic/1/mistakes.csv"))
    errors = [float(row["error"]) for row in rows]
    assert [abs(error) for error in errors] == sorted(map(abs, errors), reverse=True)
    assert all(
        float(row["predicted"]) - float(row["true"]) == pytest.approx(float(row["error"]), abs=1e-4) for row in rows
    )


@pytest.mark.parametrize("classes", [2, 10, 40, 100])
def test_a_confusion_matrix_of_any_size_can_be_read(classes: int, tmp_path: Path) -> None:
    torch.manual_seed(0)
    counts = torch.eye(classes, dtype=torch.long) * 50 + torch.randint(3, (classes, classes))
    names = [f"class {index:03d}" if index % 7 else f"a long name of a class, {index}" for index in range(classes)]
    figure = figures.confusion(counts, names)
    figures.save(figure, tmp_path / "confusion.png")
    with Image.open(tmp_path / "confusion.png") as image:
        assert max(image.size) <= 1500
    boxes = [label.get_window_extent() for label in figure.axes[0].get_yticklabels() if label.get_text()]
    assert len(boxes) >= min(classes, 40)
    assert all(below.y1 <= above.y0 + 1 for above, below in itertools.pairwise(boxes))  # do not overlap
    assert min(box.x0 for box in boxes) > -3
