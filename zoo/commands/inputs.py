"""The inputs that a command line names: pictures, folders of them, texts, rows, and files of those."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from zoo.commands.predictions_file import Source
from zoo.commands.request import Request
from zoo.datamodules.common.examples import identity
from zoo.datamodules.common.files import read_text
from zoo.datamodules.common.folders import walk
from zoo.datamodules.common.picture_files import pictures_in
from zoo.datamodules.common.table_files import TableFile, read_rows, unit
from zoo.errors import ZooError
from zoo.transforms import Table, Transform

FILE_NAME = re.compile(r"\S*\.[a-z]{3,4}")
"""What a file name looks like, in contrast to a text."""


def check_no_options(request: Request) -> None:
    """Raise ZooError for an option that the command does not have."""
    for word in request.words:
        if word.startswith("-") and not word[1:2].isdigit() and word[1:2] != ".":  # a row may begin with a minus
            raise ZooError(f"unknown option {word[:80]}; see zoo {request.command} --help")


def read_sources(words: list[str], transform: Transform) -> Iterator[Source]:
    """Yield each input with its place: the pictures in a folder, and the lines of a file of texts or rows."""
    for word in words:
        if transform.takes == "image" and os.path.isdir(word):
            yield from _pictures(Path(word), transform)
        elif transform.takes == "image":
            yield word, word, partial(transform.read, word)
        elif os.path.isdir(word):
            yield word, word, partial(_fail, f"{word} is a directory; give the files in it")
        elif os.path.exists(word):
            yield from _rows(word, transform) if isinstance(transform, Table) else _lines(word, transform)
        elif FILE_NAME.fullmatch(word):
            yield word, word, partial(_fail, f"{word} does not exist")
        else:
            yield word, word, partial(transform.read, word)


def _fail(message: str) -> Any:
    raise ZooError(message)


def _pictures(folder: Path, transform: Transform) -> Iterator[Source]:
    """Yield the pictures in a folder and in those below it, except hidden ones."""
    pictures = [str(path) for below in walk(folder) for path in pictures_in(below, Counter())]
    if not pictures:
        yield str(folder), str(folder), partial(_fail, f"{folder} has no pictures")
    yield from ((picture, picture, partial(transform.read, picture)) for picture in pictures)


def _lines(path: str, transform: Transform) -> Iterator[Source]:
    try:
        lines = read_text(Path(path)).splitlines()
    except ZooError as error:
        yield path, path, partial(_fail, str(error))
        return
    if not lines:
        yield path, path, partial(_fail, f"{path} is empty")
    for number, line in enumerate(lines, start=1):
        place = f"{path}, line {number}"
        yield line, place, partial(transform.read, line) if line.strip() else partial(_fail, f"{place} is empty")


def _rows(path: str, table: Table) -> Iterator[Source]:
    """Yield the rows of a table, as dictionaries if the first row has the names of the columns."""
    try:
        rows = read_rows(Path(path))
        names = [name.strip() for name in rows[0][1]]
        if named := table.is_header(names):
            if len({*names}) < len(names):
                raise ZooError(f"{path} has two columns of the same name")
            columns = [column.name for column in table.parts.columns]
            TableFile(Path(path), dict.fromkeys(names, ()), ()).check_has(columns, "an input of the trained network")
    except ZooError as error:
        yield path, path, partial(_fail, str(error))
        return
    for line, row in rows[named:]:
        value = dict(zip(names, row, strict=True)) if named else row
        yield ",".join(row), f"{path}, {unit(Path(path))} {line}", partial(identity, value)
