"""``zoo check``: what is known of a data set before training."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from conftest import Command
from data_files import write_folder, write_texts
from PIL import Image

PETS = ("check", "folder", "--data.root", "pets", "--data.image_size", "16")


def test_a_folder_in_order_is_told_on_one_screen(tmp_path: Path, zoo_command: Command) -> None:
    write_folder(tmp_path / "pets", {"cat": 20, "dog": 20})
    done = zoo_command(*PETS)
    assert done.code == 0, done.err
    first, inputs, *_ = done.out.splitlines()
    assert first == "folder: 29 train, 3 val, 8 test"
    assert inputs.startswith("inputs   3×16×16, float32, 0.")
    counts = {line.split()[0]: line.split()[1:] for line in done.out.splitlines() if line.endswith("█")}
    assert [sum(int(row[split]) for row in counts.values()) for split in range(3)] == [29, 3, 8]
    assert max(row[3] for row in counts.values()) == "█" * 24
    assert "digits_cnn" in done.out
    assert done.out.endswith("nothing that looks wrong\n")
    with Image.open("check.png") as sheet:
        assert min(sheet.size) > 400
        assert len(sheet.convert("L").resize((64, 64)).getcolors() or ()) > 20  # pictures, not a blank page


def test_the_sheet_shows_what_a_network_sees(tmp_path: Path, zoo_command: Command) -> None:
    write_folder(tmp_path / "pets", {"cat": 20, "dog": 20})
    done = zoo_command("check", "folder", "--model", "digits_cnn", "--data.root", "pets", "--out", "s.png")
    assert done.code == 0, done.err
    assert "inputs   1×32×32" in done.out
    assert Path("s.png").exists()


def test_equal_pictures_few_pictures_and_one_large_class_are_told(tmp_path: Path, zoo_command: Command) -> None:
    root = write_folder(tmp_path / "pets", {"cat": 30, "dog": 6, "bird": 6})
    shutil.copy(root / "cat" / "00.png", root / "dog" / "copy.png")
    done = zoo_command(*PETS)
    assert done.code == 1
    assert "look at: few examples to train on: bird (4), dog (5)" in done.out
    assert "of the training examples are cat: an accuracy below that means nothing" in done.out
    assert "1 equal examples" in done.out
    assert str(Path("pets", "cat", "00.png")) in done.out
    assert str(Path("pets", "dog", "copy.png")) in done.out


def test_all_broken_files_are_named(tmp_path: Path, zoo_command: Command) -> None:
    root = write_folder(tmp_path / "pets")
    for name in ("cat/00.png", "dog/01.jpg"):
        (root / name).write_bytes(b"")
    done = zoo_command(*PETS)
    assert done.code == 2
    assert done.out.count("cannot be read as a picture") == 2
    assert done.err == "zoo: error: 2 files cannot be read; repair or remove them\n"
    assert not Path("check.png").exists()


@pytest.mark.parametrize("data", ["digits", "quadratic", "custom_function", "xor", "mnist"])
def test_every_kind_of_data_can_be_checked(data: str, zoo_command: Command, shared_root: Path) -> None:
    root = ("--data.root", shared_root, "--data.val_size", 50) if data == "mnist" else ()
    done = zoo_command("check", data, *root)
    assert done.code in (0, 1), done.err
    assert done.out.startswith(f"{data}: ")
    assert "networks that learn it: " in done.out
    assert ("targets  " in done.out) == (data in ("quadratic", "custom_function"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("check",), "give a data set"),
        (("check", "fodler"), "unknown data set 'fodler'; did you mean 'folder'?"),
        (("check", "folder"), "give it with --data.root"),
        (("check", "folder", "--data.roots", "x"), "did you mean '--data.root'?"),
        (("check", "digits", "--out", "nowhere/x.png"), "x.png cannot be written"),
        (("check", "digits", "--weights", "mnist"), "unknown option --weights"),
        (("check", "quadratic", "--model", "convnet"), "cannot be trained on 'quadratic'"),
    ],
)
def test_what_cannot_be_checked_is_one_line(words: tuple[str, ...], message: str, zoo_command: Command) -> None:
    done = zoo_command(*words)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert message in done.err


def test_one_class_of_two_that_is_nearly_all_is_told(tmp_path: Path, zoo_command: Command) -> None:
    rows = "".join(f"{i / 7},{'n' if i % 12 else 'p'}\n" for i in range(300))
    Path("t.csv").write_text(f"width,kind\n{rows}", encoding="utf-8")
    done = zoo_command("check", "csv", "--data.path", "t.csv", "--data.target", "kind")
    assert done.code == 1, done.err
    assert "of the training examples are n" in done.out


def test_the_sheet_replaces_no_picture_of_the_folder(tmp_path: Path, zoo_command: Command) -> None:
    picture = write_folder(tmp_path / "pets") / "cat" / "00.png"
    before = picture.read_bytes()
    done = zoo_command(*PETS, "--out", "pets/cat/00.png")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "is one of the files that are read" in done.err
    assert picture.read_bytes() == before


def inputs(out: str) -> tuple[float, float]:
    """The least and the largest value of the inputs that are told."""
    (line,) = (line for line in out.splitlines() if line.startswith("inputs"))
    least, most = line.split(", ")[2].split(" to ")
    return float(least), float(most)


def test_weights_that_a_training_would_start_from_are_taken_into_account(tmp_path: Path, zoo_command: Command) -> None:
    write_folder(tmp_path / "pets", {"cat": 20, "dog": 20})
    words = ("check", "folder", "--model", "cifar_cnn", "--data.root", "pets")
    without, done = zoo_command(*words), zoo_command(*words, "--weights", "cifar10")
    assert done.code == 0, done.err
    assert inputs(done.out) == pytest.approx([2 * value - 1 for value in inputs(without.out)], abs=2e-4)
    for weights, message in (("cifar", "did you mean 'cifar10'?"), ("none.ckpt", "none.ckpt does not exist")):
        done = zoo_command(*words, "--weights", weights)
        assert (done.code, done.err.count("\n")) == (2, 1)
        assert message in done.err


def test_texts_are_checked_in_the_vocabulary_of_the_weights(tmp_path: Path, zoo_command: Command) -> None:
    arguments = write_texts(tmp_path)
    words = ["check", "text", *(word for key, value in arguments.items() for word in (f"--data.{key}", value))]
    words += ["--model", "bilstm_sentiment", "--data.min_frequency", "1"]
    own, published = (inputs(zoo_command(*words, *more).out)[1] for more in ((), ("--weights", "imdb")))
    assert own < 20 < published  # the index of a word among some ten, and among those of reviews
