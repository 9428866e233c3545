"""Texts of the user's own."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from zoo.datamodules.common.columns import check_case, classes_of, without_missing
from zoo.datamodules.common.files import read_text
from zoo.datamodules.common.folders import folders_in
from zoo.datamodules.common.splitting import check_test_size, divide
from zoo.datamodules.common.table_files import TableFile
from zoo.datamodules.common.texts import LARGEST_TEXT, TextDataModule
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.console import listed
from zoo.support.files import parse_path
from zoo.transforms.cells import text_of

BadRows = Literal["refuse", "drop"]


class Labeled(NamedTuple):
    """Texts with classes.

    Attributes:
        classes: Names of the classes, by index.
        texts: The texts.
        targets: The index of the class of each, shape ``(texts,)``.
    """

    classes: tuple[str, ...]
    texts: list[str]
    targets: Tensor


class OwnTexts(TextDataModule):
    """Texts of your own with classes: a table, or folders of ``.txt`` files.

    Source: your files: a CSV, TSV or Parquet file with a column of texts and one of classes; or a folder with a folder
    of ``.txt`` files for each class, ``FOLDER/<class>/*.txt``, or with these in ``FOLDER/train`` and ``FOLDER/test``.
    They are split at random, always in the same way, with an equal share of each class. Words are lowercased, and the
    vocabulary is learned from the training split alone. Token ids are cached beside the file, or in the folder.

    Input: ``(batch, words)``, token ids, padded with 0 at the end. Target: ``(batch,)``, the class.

    Args:
        path: The file or the folder.
        text: Of a table, the name of the column of texts.
        target: Of a table, the name of the column of classes.
        missing: What to do about texts without letters and missing classes: ``refuse`` them, or ``drop`` them.
        test_size: Number of texts for testing, or their fraction if below 1, unless there is a folder for them.
        vocab_size: Largest number of tokens, including padding and unknown: the most frequent words.
        min_frequency: Smallest number of occurrences in the training split of a word in the vocabulary.
        max_length: Largest number of tokens per text; longer ones are truncated.
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    targets = ("class",)

    def __init__(
        self,
        path: str | None = None,
        text: str | None = None,
        target: str | None = None,
        missing: BadRows = "refuse",
        test_size: int | float = 0.2,
        vocab_size: int = 10_000,
        min_frequency: int = 2,
        max_length: int = 400,
        batch_size: int = 64,
        val_size: int | float = 0.1,
        seed: int = 0,
    ) -> None:
        super().__init__(vocab_size, min_frequency, max_length, batch_size=batch_size, val_size=val_size, seed=seed)
        check_test_size(test_size)
        if missing not in get_args(BadRows):
            raise ZooError(f"missing must be refuse or drop, got {missing!r}")
        self.path, self.text, self.target_column = path, text, target
        self.missing, self.test_size = missing, test_size

    def prepare_data(self) -> None:
        """Check that there are texts. Raises ZooError if there are none, or one cannot be used."""
        _ = self._divided

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]  # are known once the texts are read
        """Names of the classes, by index."""
        return self._divided[0]

    def read_texts(self) -> dict[Split, tuple[list[str], Tensor]]:
        """Return the texts of each split, and their classes."""
        return self._divided[1]

    def contents(self) -> str:
        """Return a checksum of the texts and classes of each split, part of the cache key."""
        plain = [(split, texts, targets.tolist()) for split, (texts, targets) in self.read_texts().items()]
        return hashlib.sha256(repr(plain).encode()).hexdigest()

    def cache(self, key: str) -> Path:
        """Return the file for the cached token ids of a key."""
        return (self._path if self._path.is_dir() else self._path.parent) / f".texts-{key}.npz"

    @property
    def _path(self) -> Path:
        if not self.path:
            raise ZooError("the texts are files of your own: give --data.path FILE or FOLDER")
        path = parse_path(self.path, "--data.path")
        if not path.exists():
            raise ZooError(f"{path} does not exist; give the file or the folder of your texts with --data.path")
        return path

    @cached_property
    def _divided(self) -> tuple[tuple[str, ...], dict[Split, tuple[list[str], Tensor]]]:
        """The names of the classes, and the texts and classes of each split."""
        path, test = self._path, None
        if not path.is_dir():
            whole = self._read_table(path)
        elif (path / "train").is_dir():
            whole, test = self._read_folders(path / "train"), self._read_folders(path / "test")
            if test.classes != whole.classes:
                raise ZooError(
                    f"{path / 'train'} has the classes {listed(whole.classes)}, but {path / 'test'} has "
                    f"{listed(test.classes)}; expected the same, so move other folders elsewhere"
                )
        else:
            whole = self._read_folders(path)
        parts = divide(whole.targets, self.val_size, self.test_size, given=["test"] if test else [])
        for lost in sorted({*range(len(whole.classes))} - {*whole.targets[parts["train"]].tolist()}):
            raise ZooError(f"{path}: no text of class {whole.classes[lost]!r} is left for training; add texts")
        splits = {split: ([whole.texts[i] for i in rows], whole.targets[rows]) for split, rows in parts.items()}
        if test:
            splits["test"] = test.texts, test.targets
        return whole.classes, splits

    def _read_table(self, path: Path) -> Labeled:
        table = TableFile.read(path)
        names = {"text": self.text, "target": self.target_column}
        for option, name in names.items():
            if not name:
                raise ZooError(f"give the column of the {option}: --data.{option}, one of {listed([*table.columns])}")
            table.check_has([name], f"--data.{option}")
        text, target = (str(name) for name in names.values())
        if text == target:
            raise ZooError(f"column {text!r} is both the text and the target; give two columns")
        table = without_missing(table, [], [text, target], self.missing)
        for row, cell in enumerate(table.columns[text]):
            self._check(cell, table.place(row))
        if self.missing == "drop":
            table = table.chosen([row for row, cell in enumerate(table.columns[text]) if _has_letters(cell)])
        classes = classes_of(target, table)
        if not classes:
            raise ZooError(f"{path}: the target {target!r} has numbers, expected classes")
        places = {name: place for place, name in enumerate(classes)}
        targets = torch.tensor([places[text_of(cell)] for cell in table.columns[target]])
        return Labeled(classes, [*table.columns[text]], targets)

    def _read_folders(self, folder: Path) -> Labeled:
        classes = tuple(folders_in(folder))
        if len(classes) < 2:
            raise ZooError(f"{folder} has {len(classes)} folders, expected one of .txt files for each class")
        check_case(classes, folder)
        texts: list[str] = []
        targets: list[int] = []
        for place, name in enumerate(classes):
            before = len(texts)
            for path in sorted((folder / name).glob("*.txt")):
                text = read_text(path, LARGEST_TEXT)
                self._check(text, str(path))
                if _has_letters(text):
                    texts.append(text)
                    targets.append(place)
            if len(texts) == before:
                raise ZooError(f"{folder / name} has no texts, expected files *.txt")
        return Labeled(classes, texts, torch.tensor(targets))

    def _check(self, text: str, place: str) -> None:
        """Raise ZooError for a text that cannot be used, unless it is to be dropped."""
        if len(text) > LARGEST_TEXT:
            raise ZooError(f"{place}: the text has {len(text):,} characters, expected at most {LARGEST_TEXT:,}")
        if self.missing != "drop" and not _has_letters(text):
            raise ZooError(f"{place}: the text has no letters; remove it, or give --data.missing drop")


def _has_letters(text: str) -> bool:
    return any(map(str.isalnum, text))
