"""``zoo predict --out``: many inputs, one CSV file."""

from __future__ import annotations

import contextlib
import csv
import shutil
from pathlib import Path

import pytest
import torch
from conftest import Command
from data_files import write_folder
from PIL import Image
from stand_ins import quiet_trainer

import zoo

DIGITS_CNN = ("predict", "--model", "digits_cnn", "--weights", "mnist")


def read(path: str) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def strokes(folder: Path, count: int) -> list[str]:
    folder.mkdir(parents=True)
    for number in range(count):
        picture = Image.new("L", (60, 60), "white")
        picture.paste("black", (25 + number % 5, 10, 32, 50))
        picture.save(folder / f"{number:03}.png")
    return sorted(str(path) for path in folder.iterdir())


def test_a_folder_is_predicted_as_its_pictures_one_by_one(tmp_path: Path, zoo_command: Command) -> None:
    paths = strokes(tmp_path / "a" / "b", 70)  # more than a batch
    (tmp_path / "a" / "notes.txt").write_text("x", encoding="utf-8")
    done = zoo_command(*DIGITS_CNN, "a", "--out", "p.csv")
    assert (done.code, done.out) == (0, "70 predictions written to p.csv\n"), done.err
    rows = read("p.csv")
    assert [str(tmp_path / row["input"]) for row in rows] == paths
    model = zoo.create_model("digits_cnn", weights="mnist")
    for row, path in list(zip(rows, paths, strict=True))[::23]:
        labels, (values,) = model.predict(Image.open(path))
        assert [row["label"]] == labels
        # The file has six decimals, and a batch rounds otherwise than a single picture.
        assert float(row["probability"]) == pytest.approx(float(values.max()), abs=2e-6)
        assert float(row["probability_5"]) == pytest.approx(float(values.sort(descending=True).values[4]), abs=2e-6)
        assert row["error"] == ""


def test_what_cannot_be_read_is_a_row_with_its_reason(tmp_path: Path, zoo_command: Command) -> None:
    (path, other) = strokes(tmp_path / "a", 2)
    Path(path).write_bytes(b"broken")
    done = zoo_command(*DIGITS_CNN, "a", "missing.png", "--out", "p.csv")
    assert done.code == 2
    assert done.out == "3 predictions written to p.csv; 2 could not be read, see the column error\n"
    first, second, third = read("p.csv")
    assert first["label"] == third["label"] == ""
    assert "cannot be read as a picture" in first["error"]
    assert second["input"] == str(Path("a", Path(other).name))
    assert second["label"] in "0123456789"
    assert third["error"] == "missing.png does not exist"


def test_without_out_a_folder_is_printed(tmp_path: Path, zoo_command: Command) -> None:
    strokes(tmp_path / "a", 3)
    (tmp_path / "empty").mkdir()
    with contextlib.suppress(OSError):  # Windows may not allow it
        (tmp_path / "a" / "loop").symlink_to(tmp_path / "a", target_is_directory=True)
    done = zoo_command(*DIGITS_CNN, "a", "empty")
    assert done.code == 2
    assert done.out.count("\n") == 3
    assert "empty has no pictures" in done.err


def test_rows_and_texts_have_their_own_columns(tmp_path: Path, zoo_command: Command) -> None:
    Path("rows.csv").write_text("4,1\n0,1\nx,1\n", encoding="utf-8")
    done = zoo_command("predict", "--model", "linear", "--weights", "default", "rows.csv", "--out", "p.csv")
    assert done.code == 2
    rows = read("p.csv")
    assert list(rows[0]) == ["input", "value", "error"]
    assert float(rows[0]["value"]) > float(rows[1]["value"])
    assert "neither a comma-separated row" in rows[2]["error"]
    texts = ("=HYPERLINK is a wonderful film", "dull")
    done = zoo_command("predict", "--model", "bilstm_sentiment", "--weights", "imdb", *texts, "--out", "t.csv")
    assert done.code == 0, done.err
    rows = read("t.csv")
    assert rows[0]["input"] == "'=HYPERLINK is a wonderful film"  # no spreadsheet runs it
    assert {row["label"] for row in rows} <= {"positive", "negative"}


def test_nothing_is_left_if_the_file_cannot_be_written(tmp_path: Path, zoo_command: Command) -> None:
    strokes(tmp_path / "a", 1)
    done = zoo_command(*DIGITS_CNN, "a", "--out", "nowhere/p.csv")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "nowhere/p.csv cannot be written" in done.err.replace("\\", "/")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a"]


def test_a_network_of_the_users_own_pictures_names_its_classes(tmp_path: Path, zoo_command: Command) -> None:
    write_folder(tmp_path / "pets")
    words = ("--data", "folder", "--data.root", "pets", "--trainer.accelerator", "cpu", "--trainer.max_epochs", "1")
    assert zoo_command("fit", "cifar_cnn", *words).code == 0
    ckpt = "runs/cifar_cnn-folder/1/checkpoints/last.ckpt"
    shutil.rmtree("pets/dog")
    done = zoo_command("predict", "--ckpt", ckpt, "pets", "--out", "p.csv")
    assert done.code == 0, done.err
    rows = read("p.csv")
    assert len(rows) == 12
    assert list(rows[0]) == ["input", "label", "probability", "label_2", "probability_2", "error"]
    assert all({row["label"], row["label_2"]} == {"cat", "dog"} for row in rows)
    # Of a softmax in single precision, with six decimals each.
    assert all(float(row["probability"]) + float(row["probability_2"]) == pytest.approx(1, abs=1e-4) for row in rows)
    assert torch.tensor([float(row["probability"]) for row in rows]).min() >= 0.5


def test_the_file_of_the_predictions_is_none_of_those_that_are_read(tmp_path: Path, zoo_command: Command) -> None:
    (path, _) = strokes(tmp_path / "a", 2)
    Path("rows.csv").write_text("4,1\n", encoding="utf-8")
    ckpt = tmp_path / "net.ckpt"
    model, trainer = zoo.create_model("linear"), quiet_trainer()
    model.transform = zoo.create_datamodule("quadratic").transform
    trainer.strategy.connect(model)
    trainer.save_checkpoint(ckpt)
    linear = ("predict", "--ckpt", "net.ckpt", "rows.csv", "--out")
    export = ("export", "--ckpt", "net.ckpt", "--format", "safetensors", "--out")
    for words, out in (
        (linear, "./rows.csv"),
        (linear, ckpt),
        (export, ckpt),
        ((*DIGITS_CNN, path, "--out"), "a/000.png"),
        ((*DIGITS_CNN, "a", "--out"), path),
    ):
        before = Path(out).read_bytes()
        done = zoo_command(*words, out)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert "is one of the files that are read, which it would replace; give another name" in done.err
        assert Path(out).read_bytes() == before
    for _ in range(2):  # what was written before may be replaced, and stand in a folder that is read
        done = zoo_command(*DIGITS_CNN, "a", "--out", "a/p.csv")
        assert done.code == 0, done.err
