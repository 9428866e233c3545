"""Texts of the user's own."""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path
from typing import get_args

from torch import Tensor

from zoo.datamodules.common.folders import split_folders
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.labeled_texts import BadRows, LabeledTexts, texts_in_folders, texts_of_table
from zoo.datamodules.common.splitting import check_test_size, divide
from zoo.datamodules.common.table_files import TableFile
from zoo.datamodules.common.texts import TextDataModule, TruncationSide
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.console import listed
from zoo.support.files import parse_path


class OwnTexts(TextDataModule):
    """Texts of your own with classes: a table, or folders of ``.txt`` files.

    Source: your files: a CSV, TSV or Parquet file with a column of texts and one of classes; or a folder with a folder
    of ``.txt`` files for each class, ``FOLDER/<class>/*.txt``, or ``FOLDER/train|val|test/<class>/*.txt``. What is not
    divided is split at random, always in the same way, with an equal share of each class. Words are lowercased, and the
    vocabulary is learned from the training split alone. Token ids are cached beside the file, or in the folder.

    Input: ``(batch, words)``, token ids, padded with 0 at the end. Target: ``(batch,)``, the class.

    Args:
        path: The file or the folder.
        text: Of a table, the name of the column of texts.
        target: Of a table, the name of the column of classes.
        group: Of a table, the name of a column, such as an author, whose texts are kept together in one split.
        missing: What to do about texts without letters and missing classes: ``refuse`` them, or ``drop`` them.
        test_size: Number of texts for testing, or their fraction if below 1, unless there is a ``test`` folder.
        vocab_size: Largest number of tokens, including padding and unknown: the most frequent words.
        min_frequency: Smallest number of occurrences in the training split of a word in the vocabulary.
        max_length: Largest number of tokens per text; longer ones are truncated.
        val_size: Number of training texts held out for validation, or their fraction if below 1, unless there is a
            ``val`` folder. If 0, the test set replaces the validation set in any case.
        batch_size, seed: See :class:`zoo.datamodules.common.DataModule`.
        truncation_side: Where a text is cut: ``right`` keeps its beginning, ``left`` its end.
    """

    targets = ("class",)

    def __init__(
        self,
        path: str | None = None,
        text: str | None = None,
        target: str | None = None,
        group: str | None = None,
        missing: BadRows = "refuse",
        test_size: int | float = 0.2,
        vocab_size: int = 10_000,
        min_frequency: int = 2,
        max_length: int = 400,
        batch_size: int = 64,
        val_size: ValSize = 0.1,
        seed: int = 0,
        truncation_side: TruncationSide = "right",
    ) -> None:
        options = {"batch_size": batch_size, "val_size": val_size, "seed": seed}
        super().__init__(vocab_size, min_frequency, max_length, truncation_side, **options)
        check_test_size(test_size)
        if missing not in get_args(BadRows):
            raise ZooError(f"missing must be refuse or drop, got {missing!r}")
        self.path, self.text, self.target_column, self.group = path, text, target, group
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

    def compute_checksum(self) -> str:
        """Return a checksum of the table, or of the texts in the folders."""
        if self._table:
            return self._table.checksum()
        plain = [(split, part.classes, part.texts, part.targets.tolist()) for split, part in self._read.items()]
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
    def _table(self) -> TableFile | None:
        return None if self._path.is_dir() else TableFile.read(self._path)

    @cached_property
    def _divided(self) -> tuple[tuple[str, ...], dict[Split, tuple[list[str], Tensor]]]:
        """The names of the classes, and the texts and classes of each split."""
        parts = dict(self._read)
        val_given = 0
        if isinstance(self.val_size, str) and "val" in parts:
            val_given = len(parts["val"].texts)
            parts["train"] = LabeledTexts.join([parts["train"], parts.pop("val")])
        whole = parts["train"]
        if self.only_test:
            tested = [parts["test"]] if "test" in parts else [*parts.values()]
            return whole.classes, {"test": LabeledTexts.join(tested)[1:3]}
        if self.group and not self._table:
            raise ZooError(f"{self.path} is a folder, which has no columns; omit --data.group")
        rows = divide(whole.targets, self.val_size, self.test_size, whole.groups, given=parts, val_given=val_given)
        for lost in sorted({*range(len(whole.classes))} - {*whole.targets[rows["train"]].tolist()}):
            raise ZooError(f"{self.path}: no text of class {whole.classes[lost]!r} is left for training; add texts")
        splits = {split: ([whole.texts[i] for i in chosen], whole.targets[chosen]) for split, chosen in rows.items()}
        return whole.classes, splits | {split: part[1:3] for split, part in parts.items() if split != "train"}

    @cached_property
    def _read(self) -> dict[Split, LabeledTexts]:
        """The texts of the splits that the user divided, or all in one."""
        path = self._path
        if self._table:
            group, least = (None, 1) if self.only_test else (self.group, 2)  # what is tested is not divided
            return {"train": texts_of_table(self._table, self.text, self.target_column, group, self.missing, least)}
        parts = {split: texts_in_folders(folder, self.missing) for split, folder in split_folders(path).items()}
        for split, part in parts.items():
            if part.classes != parts["train"].classes:
                raise ZooError(
                    f"{path / 'train'} has the classes {listed(parts['train'].classes)}, but {path / split} has "
                    f"{listed(part.classes)}; expected the same, so move other folders elsewhere"
                )
        return parts
