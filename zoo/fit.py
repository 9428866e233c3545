"""``zoo fit``: from options to a run folder."""

from __future__ import annotations

import time
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.pytorch import Callback, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from zoo.callbacks import LastCheckpoint
from zoo.checkpoint import check_holds, read_checkpoint, restore
from zoo.cli import Request, names_in
from zoo.datamodules.base import DataUnavailableError, InMemoryDataModule
from zoo.errors import ZooError
from zoo.files import written_whole
from zoo.metrics_file import MetricsFile
from zoo.pairs import check_pair
from zoo.parser import Parser, fit_parser, flat, section
from zoo.registry import create_datamodule, create_model, datamodule_class, model_class, model_row
from zoo.report import Run, announce, report, report_interruption, warn
from zoo.runs import last_checkpoint, new_folder, newest_checkpoint, run_of
from zoo.signatures import arguments_of
from zoo.tasks import Task
from zoo.trainer import build_trainer, is_first_rank, quiet

STAND_IN = "digits"
"""The data set that needs no download."""


def fit(request: Request) -> int:
    """Train a network as asked, report on it, and return the exit code: 0, or 128 and the signal that ended it."""
    parser = _parser(request)
    options = parser.parse_args(request.options)
    resumed_from = _checkpoint_to_resume(request, options)
    resumed = read_checkpoint(resumed_from) if resumed_from else None
    folder = None
    if resumed_from and resumed:
        check_holds(resumed, resumed_from, str(request.model))
        folder = run_of(resumed_from)
        if folder:
            request, options = _as_in_run(request, folder)
            parser = _parser(request)
    given = parser.parse_args(request.options, defaults=False)

    # Whatever is wrong with the input is found out before anything is written.
    if not 0 <= options.seed < 2**32:
        raise ZooError(f"--seed must be at least 0 and below 2**32, got {options.seed}")
    quiet(profiling=bool(options.trainer.profiler))
    seed_everything(options.seed, workers=True, verbose=False)
    last, best = LastCheckpoint(), ModelCheckpoint(monitor="val/loss", filename="best")
    trainer = build_trainer(parser, options, _callbacks(options, last, best))
    data_name, data = _data(request, options, given, trainer.world_size)
    model = _model(str(request.model), options, given, data)
    if resumed_from and resumed:
        restore(model, resumed, resumed_from)
    base = Path(options.out, options.name or f"{request.model}-{data_name}").expanduser()

    run = Run(folder or base, model, str(request.model), data, data_name, options.seed, request.program)
    if is_first_rank():  # the other ranks are told by the trainer where checkpoints go, and write nothing else
        run.folder = folder or new_folder(base)
        _write_config(run, parser, options)
    tensorboard = options.trainer.logger is not False
    trainer.loggers = [*_loggers(run.folder, resumed["global_step"] if resumed else 0, tensorboard), *trainer.loggers]
    last.path = last_checkpoint(run.folder)
    best.dirpath = str(last.path.parent)
    announce(run, trainer)

    started = time.perf_counter()
    try:
        trainer.fit(model, data, ckpt_path=resumed_from, weights_only=True)
    except SystemExit:  # what Lightning makes of an interruption
        if not last.asked:
            raise
    run.seconds = time.perf_counter() - started
    if last.asked and trainer.interrupted:
        report_interruption(run, trainer, last.path)
        return 128 + last.asked
    report(run, trainer, Path(best.best_model_path) if best.best_model_path else last.path)
    return 0


def _checkpoint_to_resume(request: Request, options: Namespace) -> Path | None:
    """Return the checkpoint that the run is to go on from, if it is to."""
    if options.ckpt_path != "last":
        return Path(options.ckpt_path) if options.ckpt_path else None
    data_names = [request.data] if request.data else [model_row(str(request.model)).data, STAND_IN]
    names = [options.name] if options.name else [f"{request.model}-{data_name}" for data_name in data_names]
    for name in names:
        if checkpoint := newest_checkpoint(Path(options.out, name).expanduser()):
            return checkpoint
    raise ZooError(f"there is no run to resume in {Path(options.out, names[0])}; leave --ckpt_path out to start one")


def _as_in_run(request: Request, folder: Path) -> tuple[Request, Namespace]:
    """Return the request, and its options, with those of the run in a folder as defaults.

    Raises:
        ZooError: It asks for another network, other data or another seed than the run has: that is another run.
    """
    config = folder / "config.yaml"
    data_name = names_in(config)["data"]
    if request.data not in (None, data_name):
        raise ZooError(f"--data is {request.data}, but the run to resume in {folder} has {data_name}")
    request = replace(request, data=data_name, options=["--config", str(config), *request.options])
    parser = _parser(request)
    asked, has = parser.parse_args(request.options), parser.parse_args(["--config", str(config)])
    for name in ("model", "data", "seed"):
        before, after = (dict(flat(options.get(name), f"--{name}")) for options in (has, asked))
        for option in after:
            if option != "--data.root" and after[option] != before.get(option):
                found = before.get(option)
                raise ZooError(
                    f"{option} is {after[option]}, but the run to resume in {folder} has {found}; start a new run"
                )
    return request, asked


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
        callbacks += [best, last] if options.data.val_size else [last]  # the last one saves the state of the best one
    if options.model.get("lr_scheduler") == "ReduceLROnPlateau" and not options.data.val_size:
        raise ZooError("ReduceLROnPlateau needs a validation part; give --data.val_size a number above 0")
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
        name = STAND_IN
        defaults = section(_parser(replace(request, data=name)).get_defaults(), "data")
        theirs = section(given, "data")
        accepted = {key: value for key, value in theirs.items() if key in defaults}
        data = create_datamodule(name, **{**defaults, **accepted}, seed=options.seed)
        unused = "".join(f" --data.{key} is not used." for key in sorted(theirs.keys() - accepted.keys()))
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


def _loggers(folder: Path, resumed_step: int, tensorboard: bool) -> list[Logger]:
    loggers: list[Logger] = [MetricsFile(folder, resumed_step)]
    if tensorboard and find_spec("tensorboard"):
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
