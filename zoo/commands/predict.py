"""``zoo predict``: ask a trained network about pictures, texts or rows of numbers."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zoo.commands.predictions_file import Source, write_predictions
from zoo.commands.request import Request
from zoo.commands.trained_network import load_trained
from zoo.datamodules.common.files import read_text
from zoo.datamodules.common.picture_files import pictures_in, walk
from zoo.errors import ZooError
from zoo.support.console import echo, escape_control
from zoo.tasks import Classifier, Task
from zoo.transforms import Transform

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
        failures = write_predictions(network.model, network.model.transform, inputs, request.out)
        unread = f"; {failures:,} could not be read, see the column error" if failures else ""
        echo(f"{len(inputs):,} predictions written to {request.out}{unread}")
        return 2 if failures else 0
    failed = False
    for source, place, error in sources:
        try:
            if error:
                raise error
            answer = _answer(network.model, network.model.transform.read(source))
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
    """Yield each input with its origin: the pictures in a folder, and the lines of a file of texts or rows."""
    for word in words:
        if transform.takes == "image" and os.path.isdir(word):
            yield from _pictures(Path(word))
        elif transform.takes == "image":
            yield word, word, None
        elif os.path.isdir(word):
            yield word, word, ZooError(f"{word} is a directory; give the files in it")
        elif os.path.exists(word):
            yield from _lines(word)
        elif FILE_NAME.fullmatch(word):
            yield word, word, ZooError(f"{word} does not exist")
        else:
            yield word, word, None


def _pictures(folder: Path) -> Iterator[Source]:
    """Yield the pictures in a folder and in those below it, except hidden ones."""
    pictures = [str(path) for below in walk(folder) for path in pictures_in(below, Counter())]
    if not pictures:
        yield str(folder), str(folder), ZooError(f"{folder} has no pictures")
    yield from ((picture, picture, None) for picture in pictures)


def _lines(path: str) -> Iterator[Source]:
    try:
        lines = read_text(Path(path)).splitlines()
    except ZooError as error:
        yield path, path, error
        return
    if not lines:
        yield path, path, ZooError(f"{path} is empty")
    for number, line in enumerate(lines, start=1):
        place = f"{path}, line {number}"
        yield line, place, None if line.strip() else ZooError(f"{place} is empty")


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
