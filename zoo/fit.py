"""``zoo fit``: from options to a run folder."""

from __future__ import annotations

import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from zoo.callbacks import LastCheckpoint
from zoo.checkpoint import read_checkpoint, restore
from zoo.cli import Request
from zoo.datamodules.base import DataUnavailableError, InMemoryDataModule
from zoo.errors import ZooError
from zoo.files import written_whole
from zoo.metrics_file import MetricsFile
from zoo.pairs import check_pair
from zoo.parser import Parser, fit_parser, section
from zoo.registry import create_datamodule, create_model, datamodule_class, model_class, model_row
from zoo.report import Run, announce, report, report_interruption, warn
from zoo.runs import last_checkpoint, new_folder, newest_checkpoint
from zoo.signatures import arguments_of
from zoo.tasks import Task
from zoo.trainer import build_trainer, is_first_rank, quiet

STAND_IN = "digits"
"""The data set that needs no download."""


def fit(request: Request) -> int:
    """Train a network as asked, report on it, and return the exit code: 0, or 130 when Ctrl-C ended the training."""
    assert request.model
    parser = _parser(request)
    options = parser.parse_args(request.options)
    given = parser.parse_args(request.options, defaults=False)

    # Whatever is wrong with the input is found out before anything is written.
    quiet()
    seed_everything(options.seed, workers=True, verbose=False)
    last, best = LastCheckpoint(), ModelCheckpoint(monitor="val/loss", filename="best")
    trainer = build_trainer(parser, options, _callbacks(options, last, best))
    data_name, data = _data(request, options, given, trainer.world_size)
    model = _model(request.model, options, given, data)
    base = Path(options.out, options.name or f"{request.model}-{data_name}")
    folder, resumed_from, resumed_step = None, None, 0
    if options.ckpt_path:
        resumed_from = newest_checkpoint(base) if options.ckpt_path == "last" else Path(options.ckpt_path)
        checkpoint = read_checkpoint(resumed_from)
        restore(model, checkpoint, resumed_from, request.model)
        resumed_step = checkpoint["global_step"]
        folder = resumed_from.parent.parent if options.ckpt_path == "last" else None

    run = Run(folder or base, model, request.model, data, data_name, options.seed, request.program)
    if is_first_rank():  # the other ranks are told by the trainer where checkpoints go
        run.folder = folder or new_folder(base)
        _write_config(run, parser, options)
        trainer.loggers = [*_loggers(run.folder, resumed_step), *trainer.loggers]
    last.path = last_checkpoint(run.folder)
    best.dirpath = str(last.path.parent)
    announce(run, trainer)

    started = time.perf_counter()
    try:
        trainer.fit(model, data, ckpt_path=resumed_from, weights_only=True)
    except SystemExit:  # what Lightning makes of Ctrl-C
        if not trainer.interrupted:
            raise
    run.seconds = time.perf_counter() - started
    if trainer.interrupted:
        report_interruption(run, trainer, last.path)
        return 130
    report(run, trainer, Path(best.best_model_path) if best.best_model_path else last.path)
    return 0


def _parser(request: Request) -> Parser:
    assert request.model
    row = model_row(request.model)
    data_name = request.data or row.data
    model, data = model_class(request.model), datamodule_class(data_name)
    check_pair(request.model, model, data_name, data)
    parser = fit_parser(request.program, model, data)
    defaults: dict[str, Any] = {
        "model.name": request.model,
        "data.name": data_name,
        "data.batch_size": row.batch_size,
        "trainer.max_epochs": row.max_epochs,
        **{option: value for option, value in row.options.items() if data_name == row.data or "data." not in option},
    }
    if data_name == STAND_IN:
        defaults |= {f"data.{name}": value for name, value in _documented_shape(request.model).items()}
    parser.set_defaults(defaults)
    return parser


def _documented_shape(model_name: str) -> dict[str, int]:
    """Return the shape of the images that a network's document trains it on, as arguments of the stand-in."""
    row = model_row(model_name)
    options = {option.removeprefix("data."): value for option, value in row.options.items() if "data." in option}
    channels, size, _ = create_datamodule(row.data, **options).shape
    return {"channels": channels, "image_size": size}


def _callbacks(options: Namespace, last: LastCheckpoint, best: ModelCheckpoint) -> list[Callback]:
    """Return what a run with these options needs; without a validation part there is nothing to choose the best by."""
    callbacks: list[Callback] = []
    if options.trainer.enable_checkpointing is not False:
        callbacks += [last, best] if options.data.val_size else [last]
    if options.patience is not None:
        if not options.data.val_size:
            raise ZooError("--patience needs a validation part; give --data.val_size a number above 0")
        callbacks.append(EarlyStopping("val/loss", patience=options.patience))
    return callbacks


def _data(request: Request, options: Namespace, given: Namespace, ranks: int) -> tuple[str, InMemoryDataModule]:
    """Return the data set, ready on the main process, and its name: the stand-in's where nothing else was possible."""
    assert request.model
    row = model_row(request.model)
    name = request.data or row.data
    data = create_datamodule(name, **section(options, "data"), seed=options.seed)
    if not is_first_rank():  # the others wait for it in the trainer
        return name, data
    try:
        data.prepare_data()
    except DataUnavailableError as error:
        if request.data or ranks > 1 or data.kind != "image":
            raise
        accepted = set(arguments_of(datamodule_class(STAND_IN)))
        theirs = section(given, "data")
        ours = {"batch_size": row.batch_size, "seed": options.seed, **_documented_shape(request.model)}
        name = STAND_IN
        data = create_datamodule(name, **{**ours, **{key: theirs[key] for key in theirs.keys() & accepted}})
        unused = "".join(f" --data.{key} is not used." for key in sorted(theirs.keys() - accepted))
        warn(f"{error}.", f"Training on the embedded {STAND_IN} instead: results are NOT those of {row.data}.{unused}")
    data.setup()
    data.check_ranks(ranks)
    return name, data


def _model(name: str, options: Namespace, given: Namespace, data: InMemoryDataModule) -> Task:
    """Build the network in the shape of the data."""
    arguments, theirs = section(options, "model"), section(given, "model")
    for key, value in data.model_arguments().items():
        if key in arguments_of(model_class(name)):
            if theirs.get(key, value) != value:
                raise ZooError(f"--model.{key} {theirs[key]} does not fit the data, which has {value}; leave it out")
            arguments[key] = value
    model = create_model(name, **arguments)
    try:
        model.configure_optimizers()
    except (TypeError, ValueError, RuntimeError) as error:
        raise ZooError(f"the optimizer cannot be set up: {' '.join(str(error).split())}") from None
    return model


def _loggers(folder: Path, resumed_step: int) -> list[Logger]:
    loggers: list[Logger] = [MetricsFile(folder, resumed_step)]
    if find_spec("tensorboard"):
        loggers.append(TensorBoardLogger(folder, name="tensorboard", version=""))
    return loggers


def _write_config(run: Run, parser: Parser, options: Namespace) -> None:
    """Write the options of the run, those that followed from the data included, as ``--config`` takes them."""
    options = options.clone()
    options.ckpt_path = None
    options.model = Namespace(name=run.model_name, **run.model.hparams)
    options.data = Namespace(name=run.data_name, **{k: v for k, v in run.data.hparams.items() if k != "seed"})
    with written_whole(run.folder / "config.yaml") as temporary:
        temporary.write_text(parser.dump(options, skip_validation=True), encoding="utf-8")
