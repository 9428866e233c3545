"""``zoo test`` and ``zoo predict``: what a checkpoint is worth, and what it says."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import torch

from zoo.checkpoint import load_model, read_checkpoint
from zoo.cli import Request
from zoo.errors import ZooError
from zoo.parser import section, test_parser
from zoo.registry import arguments_of, create_datamodule, datamodule_class, model_row
from zoo.report import evaluate, table
from zoo.trainer import build_trainer, is_first_rank, quiet


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
    data = create_datamodule(name, **section(options, "data"))
    for key, value in data.model_arguments().items():
        if model.hparams.get(key, value) != value:
            raise ZooError(f"{request.ckpt} takes {key} {model.hparams[key]}, but {name} has {value}")
    quiet()
    trainer = build_trainer(parser, options, [])
    if is_first_rank():  # the other ranks wait for it in the trainer
        data.prepare_data()
        data.setup()
        data.check_ranks(trainer.world_size)
    metrics = evaluate(trainer, model, data, "test")
    if trainer.is_global_zero:
        trained = f"{checkpoint['zoo']['model']}, epoch {checkpoint['epoch'] + 1}, step {checkpoint['global_step']:,}"
        print(f"{trained} · {name}, {len(data.splits['test']):,} test examples\n\n{table({'test': metrics})}")
    return 0


def predict(request: Request) -> int:
    """Print label and probability for each picture, and return the exit code: 2 if one of them could not be read."""
    for word in request.options:
        if word.startswith("-"):
            raise ZooError(f"unknown option {word}; zoo predict takes --ckpt, --model, --data and pictures")
    if not request.options:
        raise ZooError("which pictures? Give their files")
    _, name, arguments = _checkpoint_and_data(request)
    model = load_model(request.ckpt or "", name=request.model)
    data = create_datamodule(name, **arguments)
    width = max(map(len, request.options))
    failed = False
    for path in request.options:
        try:
            x = data.encode(Path(path))
        except ZooError as error:
            print(f"zoo: error: {error}", file=sys.stderr)
            failed = True
            continue
        with torch.inference_mode():
            probability, label = model.predicted(model(x))[0].max(-1)
        print(f"{path:<{width}}  {data.classes[int(label)]}  {float(probability):.4f}")
    return 2 if failed else 0


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
    known = arguments_of(datamodule_class(name)) - {"seed"}
    return checkpoint, name, {key: value for key, value in saved.items() if key in known}
