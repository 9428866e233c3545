"""``zoo test`` and ``zoo predict``: what a trained network is worth, and what it says."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from zoo.commands.parser import section, test_parser
from zoo.commands.request import Request
from zoo.commands.trained_network import TrainedNetwork, load_trained
from zoo.datamodules.common.files import read_text
from zoo.errors import ZooError
from zoo.factory import create_datamodule, datamodule_class
from zoo.internals.lightning import is_first_rank
from zoo.registry import model_row
from zoo.reports.report import Metrics, evaluate, splits_of, table
from zoo.support.console import echo, escape_control
from zoo.tasks import Classifier, Task
from zoo.tasks.compatibility import check_fits, check_pair
from zoo.training.checks import check_evaluation
from zoo.training.trainer import as_launched, build_trainer, quiet, use_threads

LONGEST = 60
"""Characters of an input that are printed at most."""

FILE_NAME = re.compile(r"\S*\.[a-z]{3,4}")
"""What a word looks like that is rather the name of a file than a text."""


def test(request: Request) -> int:
    """Evaluate a network on every split of its data, or of the data asked for.

    Returns:
        The exit code: 0, or 1 if published weights are not worth what their record says.
    """
    if request.wants_help and request.model:
        test_parser(request.program, datamodule_class(request.data or model_row(request.model).data)).print_help()
        return 0
    network = load_trained(request)
    name = request.data or network.data
    if not name:
        raise ZooError(f"{network.source} does not tell on what it was trained; name the data with --data")
    arguments = network.data_arguments if name == network.data else {}
    parser = test_parser(request.program, datamodule_class(name))
    parser.set_defaults({f"data.{key}": value for key, value in arguments.items()})
    options = parser.parse_args(request.options)
    check_pair(network.name, type(network.model), name, datamodule_class(name))
    data = create_datamodule(name, **section(options, "data"))
    data.use_transform(network.model.transform)
    check_fits(network.model, data)
    quiet()
    use_threads(network.model)
    as_launched(request, options)
    trainer = build_trainer(parser, options, [])
    if is_first_rank():  # the other ranks wait for it in the trainer
        data.prepare_data()
        data.setup()
        data.check_ranks(trainer.world_size)
        check_evaluation(trainer, network.model, data)
    metrics: Metrics = {split: evaluate(trainer, network.model, data, split) for split in splits_of(data)}
    if not trainer.is_global_zero:
        return 0
    sizes = ", ".join(f"{len(data.splits[split]):,} {split}" for split in splits_of(data))
    echo(f"{network.name} after {network.steps:,} steps · {name} ({sizes})\n\n{table(metrics)}")
    whole = options.trainer.limit_test_batches in (None, 1.0) and not options.trainer.fast_dev_run
    if not network.record or not whole or not _is_recorded_data(network, name, section(options, "data")):
        return 0
    if _rounded(metrics) == _rounded(network.record.metrics):
        echo("\nas recorded")
        return 0
    echo(f"\nNOT as recorded:\n\n{table(network.record.metrics)}")
    return 1


def _rounded(metrics: Mapping[str, Mapping[str, float] | None]) -> Metrics:
    """Return metrics to the four decimals to which a record is compared."""
    return {
        split: {name: round(value, 4) for name, value in values.items()} if values else None
        for split, values in metrics.items()
    }


def predict(request: Request) -> int:
    """Print what a network says of each input, and return the exit code: 2 if one of them could not be read."""
    for word in request.options:
        if word.startswith("-") and not word[1:2].isdigit() and word[1:2] != ".":  # a row may begin with a minus
            raise ZooError(f"unknown option {word[:80]}; zoo predict takes --ckpt, --model, --weights and inputs")
    if not request.options:
        raise ZooError("predict what? Give pictures, texts, or rows such as 0,1, as the network takes them")
    network = load_trained(request)
    if network.model.transform is None:
        raise ZooError(f"{network.source} does not tell how inputs are made: it was trained on data of its own")
    failed = False
    for source, place, error in _sources(request.options, network.model):
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


def _sources(words: list[str], model: Task) -> Iterator[tuple[str, str, ZooError | None]]:
    """Yield each input, and where it is from; of texts and rows, a file stands for its lines."""
    for word in words:
        if model.takes == "image":
            yield word, word, None
        elif os.path.isdir(word):
            yield word, word, ZooError(f"{word} is a folder; give the files in it")
        elif os.path.exists(word):
            yield from _lines(word)
        elif FILE_NAME.fullmatch(word):
            yield word, word, ZooError(f"{word} is the name of a file that does not exist")
        else:
            yield word, word, None


def _lines(path: str) -> Iterator[tuple[str, str, ZooError | None]]:
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
        raise ZooError("the network gives no finite number for it")
    if not isinstance(model, Classifier):
        return "  ".join(f"{value:.4f}" for value in values.tolist())
    if model.multilabel and len(model.classes) > 1:
        return "  ".join(f"{name} {p:.4f}" for name, p in zip(model.classes, values.tolist(), strict=True))
    if model.multilabel:
        return f"{float(values):.4f}"
    return f"{labels[0]}  {float(values.max()):.4f}"


def _is_recorded_data(network: TrainedNetwork, name: str, arguments: dict[str, Any]) -> bool:
    asked = {key: value for key, value in arguments.items() if key in network.data_arguments}
    return name == network.data and asked == network.data_arguments
