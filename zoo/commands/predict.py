"""``zoo predict``: ask a trained network about pictures, texts or rows of numbers."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from zoo.commands.predictions_file import Source, write_predictions
from zoo.commands.request import Request
from zoo.commands.trained_network import load_trained
from zoo.datamodules.common.examples import identity
from zoo.datamodules.common.files import read_text
from zoo.datamodules.common.folders import walk
from zoo.datamodules.common.picture_files import pictures_in
from zoo.datamodules.common.table_files import TableFile, read_rows, unit
from zoo.errors import ZooError
from zoo.support.console import echo, escape_control
from zoo.support.files import check_not_input, parse_path
from zoo.tasks import Classifier, Task
from zoo.transforms import Table, Transform

LONGEST = 60
"""Characters of an input that are printed."""

FILE_NAME = re.compile(r"\S*\.[a-z]{3,4}")
"""What a file name looks like, in contrast to a text."""


def run(request: Request) -> int:
    """Print the prediction for each input, and return the exit code: 2 if an input could not be read."""
    for word in request.words:
        if word.startswith("-") and not word[1:2].isdigit() and word[1:2] != ".":  # a row may begin with a minus
            raise ZooError(f"unknown option {word[:80]}; see zoo predict --help")
    if not request.words:
        raise ZooError("give inputs: pictures, texts, or rows such as 0,1, as the network takes them")
    network = load_trained(request)
    if network.model.transform is None:
        raise ZooError(f"{network.source} does not know how to make inputs: it was not trained on data of the zoo")
    sources = _sources(request.words, network.model.transform)
    if request.out:
        inputs = list(sources)
        files = [source for source, _, _ in inputs] if network.model.transform.takes == "image" else request.words
        check_not_input(parse_path(request.out, "--out"), "--out", [*files, *filter(None, [request.ckpt])])
        failures = write_predictions(network.model, network.model.transform, inputs, request.out)
        unread = f"; {failures:,} could not be read, see the column error" if failures else ""
        echo(f"{len(inputs):,} predictions written to {request.out}{unread}")
        return 2 if failures else 0
    failed = False
    for source, place, read in sources:
        try:
            answer = _answer(network.model, read())
        except ZooError as problem:
            named = "" if os.path.basename(place) in str(problem) else f"{_short(place)}: "
            echo(escape_control(f"zoo: error: {named}{problem}"), file=sys.stderr)
            failed = True
        else:
            echo(escape_control(f"{_short(source)}  {answer}"))
    return 2 if failed else 0


def _short(source: str) -> str:
    return source if len(source) <= LONGEST else source[: LONGEST - 1] + "…"


def _sources(words: list[str], transform: Transform) -> Iterator[Source]:
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


def _answer(model: Task, value: Any) -> str:
    labels, (values,) = model.predict(value)
    if not values.isfinite().all():
        raise ZooError("the prediction is not finite")
    if not isinstance(model, Classifier):
        return "  ".join(f"{value:.4f}" for value in values.tolist())
    if model.multilabel and len(model.classes) > 1:
        return "  ".join(f"{name} {p:.4f}" for name, p in zip(model.classes, values.tolist(), strict=True))
    if model.multilabel:
        return f"{float(values):.4f}"
    return f"{labels[0]}  {float(values.max()):.4f}"
