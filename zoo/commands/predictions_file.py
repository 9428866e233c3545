"""``zoo predict --out``: the predictions of many inputs, as a CSV file."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from tqdm import tqdm

from zoo.errors import ZooError
from zoo.support.files import atomic_write, parse_path
from zoo.support.tables import csv_cell
from zoo.tasks import Classifier, Task
from zoo.transforms import Transform

BATCH_SIZE = 64
MOST_CLASSES = 5
"""Number of classes of which the probability is written, the most probable first."""

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")

Source = tuple[str, str, Callable[[], Any]]
"""An input as it was given, where it is from, and what reads its value, or raises ZooError."""


def write_predictions(model: Task, transform: Transform, sources: Sequence[Source], out: str) -> int:
    """Predict inputs batch by batch, write a row for each, and return how many could not be read.

    The columns are ``input``, ``label`` and ``probability`` (regression: ``value``), the next classes (``label_2``,
    ``probability_2``, ...) and ``error``, why an input could not be read. A file appears once it is complete.

    Args:
        model: The network.
        transform: Makes its inputs.
        sources: The inputs.
        out: The file.

    Raises:
        ZooError: The file cannot be written.
    """
    columns, failed = _columns(model), 0
    target = parse_path(out, "--out")
    try:
        with atomic_write(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["input", *columns, "error"])
            with tqdm(total=len(sources), unit=" inputs", file=sys.stderr, disable=None, leave=False) as bar:
                for start in range(0, len(sources), BATCH_SIZE):
                    batch = sources[start : start + BATCH_SIZE]
                    for place, values, error in _predict(model, transform, batch):
                        failed += error is not None
                        cells = values if error is None else [None] * len(columns)
                        writer.writerow([csv_cell(place), *map(_answer_cell, cells), csv_cell(error)])
                    bar.update(len(batch))
    except OSError as error:
        raise ZooError(f"{out} cannot be written ({error.strerror})") from None
    return failed


def _predict(
    model: Task, transform: Transform, batch: Iterable[Source]
) -> Iterator[tuple[str, list[Any], ZooError | None]]:
    """Yield the place, the cells and the error of each input of a batch."""
    read: list[tuple[str, Tensor | ZooError]] = []
    for _, place, read_value in batch:
        try:
            read.append((place, transform(read_value())))
        except ZooError as problem:
            read.append((place, problem))
    inputs = [value for _, value in read if isinstance(value, Tensor)]
    rows: Iterator[Tensor] = iter(model.predict(pad_sequence(inputs, batch_first=True)).values if inputs else ())
    for place, value in read:
        if isinstance(value, ZooError):
            yield place, [], value
            continue
        row = next(rows)
        if row.isfinite().all():
            yield place, _cells(model, row), None
        else:
            yield place, [], ZooError("the prediction is not finite")


def _answer_cell(value: Any) -> Any:
    """Return a cell of an answer. A class that is a signed number, such as -1, stays one, and is no formula."""
    return value if isinstance(value, str) and NUMBER.fullmatch(value) else csv_cell(value)


def _columns(model: Task) -> list[str]:
    if not isinstance(model, Classifier):
        return ["value"]
    if model.multilabel:
        return list(model.classes) or [f"class_{index}" for index in range(model.num_classes)]
    most = min(MOST_CLASSES, model.num_classes)
    more = [f"{name}_{place}" for place in range(2, most + 1) for name in ("label", "probability")]
    return ["label", "probability", *more]


def _cells(model: Task, values: Tensor) -> list[Any]:
    if not isinstance(model, Classifier) or model.multilabel:
        return [round(value, 6) for value in values.tolist()]
    probabilities, indices = values.topk(min(MOST_CLASSES, len(values)))
    names = model.classes or tuple(map(str, range(len(values))))
    pairs = zip(indices.tolist(), probabilities.tolist(), strict=True)
    return [cell for index, probability in pairs for cell in (names[index], round(probability, 6))]
