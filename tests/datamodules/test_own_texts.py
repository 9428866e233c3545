"""Texts of the user's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from conftest import Command, load_script
from data_files import BAD, GOOD, write_imdb, write_texts
from running import LAST, crash_at, load

import zoo
from zoo.datamodules.own_texts import OwnTexts

SMALL = ("--model.embedding_dim", 8, "--model.hidden_dim", 8, "--model.dropout", 0, "--data.min_frequency", 1)


def texts(path: Path | str, **arguments: Any) -> OwnTexts:
    data = zoo.create_datamodule("text", path=str(path), min_frequency=1, **arguments)
    assert isinstance(data, OwnTexts)
    return data


def table(folder: Path, content: str, **arguments: Any) -> OwnTexts:
    (folder / "t.csv").write_text(content, encoding="utf-8")
    return texts(folder / "t.csv", **{"text": "review", "target": "label", **arguments})


def write_folders(folder: Path, content: dict[str, str]) -> Path:
    for name, text in content.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


FOLDERS = {f"texts/{name}/{number}.txt": f"{name} text {number}" for name in ("no", "yes") for number in range(8)}


def test_a_table_and_folders_of_the_same_texts_are_the_same(tmp_path: Path) -> None:
    rows = [f"{text},{name.split('/')[1]}" for name, text in sorted(FOLDERS.items())]
    one = table(tmp_path, "\n".join(["review,label", *rows]), val_size=3)
    other = texts(write_folders(tmp_path, FOLDERS) / "texts", val_size=3)
    for data in (one, other):
        assert data.classes == ("no", "yes")
        assert data.model_arguments() == {"vocab_size": 10_000, "num_classes": 2, "multilabel": False}
        data.setup()
    assert [len(one.splits[split]) for split in ("train", "val", "test")] == [10, 3, 3]
    for split in ("train", "val", "test"):
        both = [data.splits[split].batch([0, 1, 2]) for data in (one, other)]
        assert all(map(torch.equal, *both))
    assert one.transform == other.transform


def test_folders_may_be_divided_already(tmp_path: Path) -> None:
    data = texts(write_imdb(tmp_path), val_size=8, vocab_size=50)
    data.setup()
    imdb = zoo.create_datamodule("imdb", root=str(tmp_path), val_size=8, min_frequency=1, vocab_size=50)
    imdb.setup()
    assert data.classes == ("neg", "pos")
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [32, 8, 40]
    assert torch.equal(data.splits["test"].lengths, imdb.splits["test"].lengths)
    assert torch.equal(data.splits["test"].targets, imdb.splits["test"].targets)
    assert data.transform("onlyintest").tolist() == [1]  # unknown: the test set teaches no words


def test_a_validation_folder_is_kept_and_what_is_missing_is_held_out(tmp_path: Path) -> None:
    files = {f"{part}/{name[6:]}": f"{part} {text}" for name, text in FOLDERS.items() for part in ("train", "val")}
    folder = write_folders(tmp_path / "texts", files)
    data = texts(folder)
    data.setup()
    assert data.sizes == {"train": 13, "test": 3, "val": 16}
    train, val = (data.splits[split].batch([*range(size)])[0] for split, size in (("train", 13), ("val", 16)))
    assert data.transform("train val").tolist() == [int(train[0, 0]), 1]  # the words of val are not learned
    assert (val[:, 0] == 1).all()
    write_folders(folder, {f"test/{name[6:]}": text for name, text in FOLDERS.items()})
    again = texts(folder)
    again.setup()
    assert again.sizes == {"train": 16, "test": 16, "val": 16}
    without = texts(folder, val_size=0)
    without.setup()
    assert without.splits["val"] is without.splits["test"]
    for size in (5, 6):
        write_folders(folder, {"val/yes/0.txt": "another " * size})
        changed = texts(folder)
        changed.setup()
        assert changed.splits["val"].lengths.max() == size  # not those of the cache


GROUPED = "review,label,author\n" + "".join(
    f"{'very ' * n}{(GOOD, BAD)[n % 2].replace(',', '')},{'ab'[n % 2]},author {n // 4}\n" for n in range(40)
)


def test_the_texts_of_a_group_are_kept_together(tmp_path: Path) -> None:
    data = table(tmp_path, GROUPED, group="author", val_size=8)
    data.setup()
    lengths = {split: data.splits[split].lengths.tolist() for split in ("train", "val", "test")}
    groups = [{(length - 5) // 4 for length in of_split} for of_split in lengths.values()]
    assert sum(map(len, groups)) == 10  # each author is in one split
    assert [len(of_split) for of_split in lengths.values()] == [24, 8, 8]
    plain = table(tmp_path, GROUPED, val_size=8)
    plain.setup()
    assert plain.splits["train"].lengths.tolist() != lengths["train"]  # nor is it what the cache has
    again = table(tmp_path, GROUPED, group="author", val_size=8)
    again.setup()
    assert again.splits["train"].lengths.tolist() == lengths["train"]


def test_token_ids_are_kept_until_a_text_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = write_texts(tmp_path)
    first = zoo.create_datamodule("text", **arguments)
    first.setup()
    (kept,) = tmp_path.glob(".texts-*.npz")
    with monkeypatch.context() as patched:
        patched.setattr(OwnTexts, "_tokenize", pytest.fail)
        again = zoo.create_datamodule("text", **arguments)
        again.setup()
    assert all(map(torch.equal, first.splits["train"].batch([0, 1]), again.splits["train"].batch([0, 1])))
    kept.write_bytes(kept.read_bytes()[:300])
    path = Path(arguments["path"])
    for change in (
        lambda text: text,
        lambda text: text.replace("truly", "badly"),
        lambda text: text.replace("good", "ok"),
    ):
        path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
        data = zoo.create_datamodule("text", **arguments)
        data.setup()
        assert (data.classes == ("bad", "ok")) == ("ok" in path.read_text(encoding="utf-8"))
    assert len([*tmp_path.glob(".texts-*.npz")]) == 2  # other names of the classes change no ids


TABLE = "review,label\n" + "".join(f"{(GOOD, BAD)[n % 2].replace(',', '')},{'ab'[n % 2]}\n" for n in range(12))

WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "no column of texts": (TABLE, {"text": None}, "give the column of the text: --data.text, one of review, label"),
    "no column of classes": (TABLE, {"target": None}, "give the column of the target: --data.target"),
    "no such column": (TABLE, {"text": "reviews"}, "no column 'reviews' (--data.text); did you mean 'review'?"),
    "one column": (TABLE, {"text": "label"}, "column 'label' is both the text and the target; give two columns"),
    "no such group": (TABLE, {"group": "author"}, "no column 'author' (--data.group); it has review, label"),
    "the target as group": (TABLE, {"group": "label"}, "column 'label' is both the target and the group"),
    "no group": (GROUPED + "fine,a,\n", {"group": "author"}, "t.csv, line 42: column 'author' is missing; give"),
    "one group": (
        GROUPED.replace("author 1", "author 0"),
        {"group": "author", "test_size": 1},
        "no group is small enough to be one of 1 held-out examples",
    ),
    "a group with all of a class": (
        "review,label,author\n" + "".join(f"text {n},{'ab'[n % 2]},{n % 2}\n" for n in range(12)),
        {"group": "author", "test_size": 6, "val_size": 0},
        "is left for training; add texts",
    ),
    "numbers": (
        TABLE.replace(",a", ",1.5").replace(",b", ",2.5"),
        {},
        "the target 'label' has numbers, expected classes",
    ),
    "one class": (TABLE.replace(",b", ",a"), {}, "the target 'label' has only one value, 'a'"),
    "one text of a class": (TABLE + "fine,c\n", {}, "t.csv, line 14 is the only row of class 'c'"),
    "case": (
        TABLE.replace("true", "x") + "x,A\nx,A\n",
        {},
        "the classes 'a' and 'A' differ by case alone; make them one",
    ),
    "no text": (TABLE + ",a\n", {}, "t.csv, line 14: column 'review' is missing; give --data.missing drop"),
    "no class": (TABLE + "fine,\n", {}, "t.csv, line 14: column 'label' is missing; give --data.missing drop"),
    "no letters": (
        TABLE + "?!,a\n",
        {},
        "t.csv, line 14: the text has no letters; remove it, or give --data.missing drop",
    ),
    "endless": (
        TABLE + "word " * 200_001 + ",a\n",
        {},
        "t.csv, line 14: the text has 1,000,005 characters, expected at most 1,000,000",
    ),
    "empty": ("", {}, "t.csv is empty"),
    "missing": (TABLE, {"missing": "mean"}, "missing must be refuse or drop, got 'mean'"),
    "test_size": (TABLE, {"test_size": 0.0}, "test_size must be above 0"),
    "vocab_size": (TABLE, {"vocab_size": 2}, "vocab_size must be at least 3"),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_tables_are_one_line(case: str, tmp_path: Path) -> None:
    content, arguments, message = WRONG[case]
    with pytest.raises(zoo.ZooError) as raised:
        table(tmp_path, content, **arguments).setup()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] == ["t.csv"]


def test_bad_rows_are_dropped(tmp_path: Path) -> None:
    data = table(tmp_path, TABLE + "?!,a\n,b\nfine,\n", missing="drop")
    data.setup()
    assert sum(len(data.splits[split]) for split in ("train", "val", "test")) == 12


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"texts/maybe/.keep": ""}, "maybe has no texts, expected files *.txt"),
        ({"texts/yes/3.txt": " \n"}, "3.txt: the text has no letters"),
        ({"texts/yes/3.txt": "!"}, "3.txt: the text has no letters"),
        ({"texts/Yes/0.txt": "x"}, "the classes 'Yes' and 'yes' differ by case alone; make them one"),
        ({"texts/train/a/0.txt": "x"}, "train has 1 folders, expected one of .txt files for each class"),
        (
            {f"texts/{part}/0.txt": "x" for part in ("train/a", "train/b", "test/a", "test/c")},
            "train has the classes a, b, but",
        ),
        (
            {f"texts/{part}/0.txt": "x" for part in ("train/a", "train/b", "val/a", "val/b", "val/c")},
            "val has a, b, c; expected the same",
        ),
        ({f"texts/{part}/0.txt": "x" for part in ("train/a", "train/b", "val/a")}, "val has 1 folders, expected one"),
    ],
)
def test_bad_folders_are_one_line(change: dict[str, str], message: str, tmp_path: Path) -> None:
    folder = write_folders(tmp_path, {**FOLDERS, **change}) / "texts"
    with pytest.raises(zoo.ZooError) as raised:
        texts(folder).setup()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not [*folder.rglob(".texts-*")]


def test_a_folder_has_no_groups(tmp_path: Path) -> None:
    with pytest.raises(zoo.ZooError, match=r"texts is a folder, which has no columns; omit --data.group"):
        texts(write_folders(tmp_path, FOLDERS) / "texts", group="author").setup()


@pytest.mark.parametrize(
    ("path", "message"),
    [(None, "give --data.path FILE or FOLDER"), ("nowhere", "nowhere does not exist"), (".", "has 0 folders")],
)
def test_no_texts_are_one_line(path: str | None, message: str) -> None:
    data = zoo.create_datamodule("text", path=path)
    calls: list[Callable[[], object]] = [data.prepare_data, data.setup, data.model_arguments]
    for call in calls:
        with pytest.raises(zoo.ZooError, match=message):
            call()


def test_the_texts_of_the_comparison_are_different_and_do_not_name_their_class() -> None:
    docstrings = load_script("docstrings")
    labeled = docstrings.labeled_texts()
    assert labeled == docstrings.labeled_texts()
    found = [text for text, _ in labeled]
    assert len({*found}) == len(found)
    assert min([label for _, label in labeled].count(package) for package in docstrings.MODULES) > 1000
    assert not any(docstrings.NAMES.search(text) for text in found)


def options(folder: Path) -> list[str]:
    return [
        "--data",
        "text",
        *(word for key, value in write_texts(folder).items() for word in (f"--data.{key}", value)),
    ]


def divided(folder: Path) -> list[str]:
    files = {f"{part}/{name[6:]}": text for name, text in FOLDERS.items() for part in ("train", "val", "test")}
    return ["--data", "text", "--data.path", str(write_folders(folder / "texts", files))]


def grouped(folder: Path) -> list[str]:
    (folder / "t.csv").write_text(GROUPED, encoding="utf-8")
    columns = ("--data.text", "review", "--data.target", "label", "--data.group", "author")
    return ["--data", "text", "--data.path", str(folder / "t.csv"), *columns, "--data.val_size", "8"]


@pytest.mark.parametrize("write", [options, divided, grouped])
def test_a_run_that_crashed_goes_on_to_the_same_end(
    write: Callable[[Path], list[str]],
    tmp_path: Path,
    zoo_command: Command,
    torture: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["fit", "bilstm_sentiment", *write(tmp_path), *SMALL, "--data.batch_size", 4, "--trainer.max_epochs", 3]
    words += ["--checkpoint_every", 1, "--trainer.accelerator", "cpu"]
    assert zoo_command(*words, "--out", "whole").code == 0
    crash_at(9, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--out", "crashed")
    done = zoo_command(*words, "--out", "crashed", "--ckpt_path", "last")
    assert done.code == 0, done.err
    whole, resumed = (load(f"{out}/bilstm_sentiment-text/1/{LAST}") for out in ("whole", "crashed"))
    for part in torture.PARTS:
        assert torture.equal(whole[part], resumed[part]), part


def test_classes_from_training_to_raw_text(zoo_command: Command, tmp_path: Path) -> None:
    words = (*options(tmp_path), *SMALL, "--model.lr", 0.05, "--data.batch_size", 8, "--trainer.max_epochs", 15)
    done = zoo_command("fit", "bilstm_sentiment", *words)
    assert done.code == 0, done.err
    best = "runs/bilstm_sentiment-text/1/checkpoints/best.ckpt"
    done = zoo_command("predict", "--ckpt", best, GOOD, BAD)
    assert [line.split()[-2] for line in done.out.splitlines()] == ["good", "bad"]
    done = zoo_command("test", "--ckpt", best)
    assert done.code == 0, done.err
    path = tmp_path / "reviews.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",bad\n", ",poor\n"), encoding="utf-8")
    done = zoo_command("test", "--ckpt", best)
    assert done.code == 2
    assert "has learned the classes bad, good, but the data has good, poor" in done.err
