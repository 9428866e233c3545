"""``zoo test`` and ``zoo predict``: what a checkpoint is worth, and what it says."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from zoo.checkpoint import load_model, read_checkpoint
from zoo.cli import Request
from zoo.datamodules.base import InMemoryDataModule
from zoo.errors import ZooError
from zoo.pairs import check_pair
from zoo.parser import section, test_parser
from zoo.registry import create_datamodule, datamodule_class, model_row
from zoo.report import evaluate, table
from zoo.signatures import arguments_of
from zoo.tasks import Classifier, Task
from zoo.trainer import build_trainer, is_first_rank, quiet

LONGEST = 60
"""Characters of an input that are printed at most."""


def test(request: Request) -> int:
    """Evaluate a checkpoint on the test set of its data, or of the data asked for, and return the exit code."""
    if request.wants_help and request.model:
        test_parser(request.program, datamodule_class(request.data or model_row(request.model).data)).print_help()
        return 0
    checkpoint, name, arguments = _checkpoint_and_data(request)
    parser = test_parser(request.program, datamodule_class(name))
    parser.set_defaults({f"data.{key}": value for key, value in arguments.items()})
    options = parser.parse_args(request.options)
    model = load_model(request.ckpt or "", name=request.model)
    check_pair(checkpoint["zoo"]["model"], type(model), name, datamodule_class(name))
    data = create_datamodule(name, **section(options, "data"))
    _check_shape(request, model, data, name)
    quiet()
    trainer = build_trainer(parser, options, [])
    if is_first_rank():  # the other ranks wait for it in the trainer
        data.prepare_data()
        data.setup()
        data.check_ranks(trainer.world_size)
    metrics = evaluate(trainer, model, data, "test")
    if trainer.is_global_zero:
        trained = f"{checkpoint['zoo']['model']} after {checkpoint['global_step']:,} steps"
        print(f"{trained} · {name}, {len(data.splits['test']):,} test examples\n\n{table({'test': metrics})}")
    return 0


def predict(request: Request) -> int:
    """Print what a network says of each input, and return the exit code: 2 if one of them could not be read."""
    for word in request.options:
        if word.startswith("-") and not word[1:2].isdigit() and word[1:2] != ".":  # a row may begin with a minus
            raise ZooError(f"unknown option {word[:80]}; zoo predict takes --ckpt, --model, --data and inputs")
    if not request.options:
        raise ZooError("predict what? Give pictures, texts, or rows such as 0,1, as the network takes them")
    checkpoint, name, arguments = _checkpoint_and_data(request)
    model = load_model(request.ckpt or "", name=request.model)
    data = create_datamodule(name, **arguments)
    check_pair(checkpoint["zoo"]["model"], type(model), name, type(data))
    _check_shape(request, model, data, name)
    if state := checkpoint.get(type(data).__qualname__):
        data.load_state_dict(state)
    failed = False
    for source, error in _sources(request.options, data):
        try:
            if error:
                raise error
            answer = _answer(model, data, data.encode(source))
        except ZooError as problem:
            print(f"zoo: error: {problem}", file=sys.stderr)
            failed = True
        else:
            print(f"{source if len(source) <= LONGEST else source[: LONGEST - 1] + '…'}  {answer}")
    return 2 if failed else 0


def _sources(words: list[str], data: InMemoryDataModule) -> Iterator[tuple[str, ZooError | None]]:
    """Yield each input; of texts and rows, a file stands for its lines."""
    for word in words:
        if data.kind == "image" or not os.path.isfile(word):
            yield word, None
            continue
        try:
            lines = Path(word).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            yield word, ZooError(f"{word} cannot be read as UTF-8 text")
            continue
        for number, line in enumerate(lines, start=1):
            yield line, None if line.strip() else ZooError(f"{word}, line {number} is empty")


def _answer(model: Task, data: InMemoryDataModule, x: torch.Tensor) -> str:
    with torch.inference_mode():
        predicted = model.predicted(model(x))[0]
    if not isinstance(model, Classifier):
        return "  ".join(f"{value:.4f}" for value in predicted.tolist())
    if model.multilabel:
        return "  ".join(f"{label} {p:.4f}" for label, p in zip(data.classes, predicted.tolist(), strict=True))
    probability, label = predicted.max(-1)
    return f"{data.classes[int(label)]}  {float(probability):.4f}"


def _check_shape(request: Request, model: Task, data: InMemoryDataModule, name: str) -> None:
    for key, value in data.model_arguments().items():
        if model.hparams.get(key, value) != value:
            raise ZooError(f"{request.ckpt} takes {key} {model.hparams[key]}, but {name} has {value}")


def _checkpoint_and_data(request: Request) -> tuple[dict[str, Any], str, dict[str, Any]]:
    """Return the checkpoint asked for, the name of its data or of the data asked for, and the arguments of that."""
    if not request.ckpt:
        raise ZooError("which checkpoint? Give --ckpt FILE, such as the last.ckpt of a run folder")
    checkpoint = read_checkpoint(request.ckpt)
    trained_on = checkpoint["zoo"]["data"]
    name = request.data or trained_on
    if not name:
        raise ZooError(f"{request.ckpt} does not tell on what it was trained; name the data with --data")
    saved = checkpoint.get("datamodule_hyper_parameters", {}) if name == trained_on else {}
    known = set(arguments_of(datamodule_class(name))) - {"seed", "root"}  # where data is, is this machine's affair
    return checkpoint, name, {key: value for key, value in saved.items() if key in known}
