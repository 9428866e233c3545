"""Texts with classes, from a table or from a folder for each class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from zoo.datamodules.common.columns import check_case, classes_of, groups_of, targets_of, without_missing
from zoo.datamodules.common.files import read_text
from zoo.datamodules.common.folders import folders_in
from zoo.datamodules.common.table_files import TableFile
from zoo.datamodules.common.texts import LARGEST_TEXT
from zoo.errors import ZooError
from zoo.support.console import listed

BadRows = Literal["refuse", "drop"]
"""What is done about texts without letters and missing classes."""


class LabeledTexts(NamedTuple):
    """Texts with classes.

    Attributes:
        classes: Names of the classes, by index.
        texts: The texts.
        targets: The index of the class of each, shape ``(texts,)``.
        groups: The group of each, shape ``(texts,)``, if they have groups.
    """

    classes: tuple[str, ...]
    texts: list[str]
    targets: Tensor
    groups: Tensor | None = None

    @classmethod
    def join(cls, parts: Sequence[LabeledTexts]) -> LabeledTexts:
        """Return the texts of several folders as one; those have no groups."""
        texts = [text for part in parts for text in part.texts]
        return cls(parts[0].classes, texts, torch.cat([part.targets for part in parts]))


def texts_of_table(
    table: TableFile, text: str | None, target: str | None, group: str | None, missing: BadRows, least: int
) -> LabeledTexts:
    """Return the texts of a table.

    Args:
        table: The table.
        text: Name of the column of texts.
        target: Name of the column of classes.
        group: Name of the column of groups, if texts have groups.
        missing: What is done about texts without letters and missing classes.
        least: Smallest number of texts of a class.

    Raises:
        ZooError: A column is not given or does not exist, or a text or a class cannot be used.
    """
    for option, name in {"text": text, "target": target}.items():
        if not name:
            raise ZooError(f"give the column of the {option}: --data.{option}, one of {listed([*table.columns])}")
    names: dict[str, str] = {}
    for option, name in {"text": text, "target": target, "group": group}.items():
        if not name:
            continue
        table.check_has([name], f"--data.{option}")
        if other := next((other for other in names if names[other] == name), None):
            raise ZooError(f"column {name!r} is both the {other} and the {option}; give two columns")
        names[option] = name
    table = without_missing(table, [], [*names.values()], missing)
    column = table.columns[names["text"]]
    for row, cell in enumerate(column):
        _check(cell, table.place(row), missing)
    if missing == "drop":
        table = table.chosen([row for row, cell in enumerate(column) if _has_letters(cell)])
    classes = classes_of(names["target"], table, least)
    if not classes:
        raise ZooError(f"{table.path}: the target {target!r} has numbers, expected classes")
    targets = targets_of(names["target"], table, classes)
    return LabeledTexts(classes, [*table.columns[names["text"]]], targets, groups_of(group, table) if group else None)


def texts_in_folders(folder: Path, missing: BadRows) -> LabeledTexts:
    """Read the ``.txt`` files in a folder for each class.

    Args:
        folder: The folder of these folders.
        missing: What is done about texts without letters.

    Raises:
        ZooError: There are fewer than two classes, one has no texts, or a text cannot be used.
    """
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
            _check(text, str(path), missing)
            if _has_letters(text):
                texts.append(text)
                targets.append(place)
        if len(texts) == before:
            raise ZooError(f"{folder / name} has no texts, expected files *.txt")
    return LabeledTexts(classes, texts, torch.tensor(targets))


def _check(text: str, place: str, missing: BadRows) -> None:
    """Raise ZooError for a text that cannot be used, unless it is to be dropped."""
    if len(text) > LARGEST_TEXT:
        raise ZooError(f"{place}: the text has {len(text):,} characters, expected at most {LARGEST_TEXT:,}")
    if missing != "drop" and not _has_letters(text):
        raise ZooError(f"{place}: the text has no letters; remove it, or give --data.missing drop")


def _has_letters(text: str) -> bool:
    return any(map(str.isalnum, text))
