"""``zoo fit``: from options to a run folder."""

from __future__ import annotations

import re
import shlex
import signal
import time
from contextlib import nullcontext
from enum import Enum
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer, seed_everything
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger
from lightning.pytorch.profilers import PassThroughProfiler

from zoo.callbacks import ExactResume
from zoo.checkpoints.reading import check_network_name, load_weights
from zoo.checkpoints.writing import remove_leftovers
from zoo.commands.defaults import STAND_IN, parser_of, with_stand_in
from zoo.commands.parser import Parser, section
from zoo.commands.request import Request
from zoo.commands.resuming import (
    COMMENT,
    Resumed,
    as_in_run,
    check_length,
    command_of,
    has_length,
    is_complete,
    is_finished,
    length,
    tell_finished,
    to_resume,
)
from zoo.datamodules.common.base import DataModule, DataUnavailableError
from zoo.errors import ZooError
from zoo.factory import build_model, create_datamodule, model_class
from zoo.internals.lightning import callbacks_of, is_first_rank
from zoo.launch.launchers import devices_and_nodes, job
from zoo.launch.signals import PREEMPTION, REQUEUE
from zoo.registry import model_row
from zoo.reports.report import Run, announce, how_to_go_on, report, report_interruption, report_unreported, warn
from zoo.support.console import escape_control
from zoo.support.files import DISK_FULL, atomic_write
from zoo.support.signatures import arguments_of
from zoo.tasks import Task
from zoo.training.checks import check_run
from zoo.training.metrics_file import MetricsFile
from zoo.training.rehearsal import rehearse
from zoo.training.run_folder import base_of, last_checkpoint, new_folder, only_writer, remove
from zoo.training.trainer import as_launched, build_trainer, quiet, use_threads
from zoo.transforms import from_spec


def fit(request: Request) -> int:
    """Train a network as asked and report on it.

    Returns:
        The exit code: 0, 75 for a job that is to be requeued, or 128 and the signal that ended the run.
    """
    parser = parser_of(request)
    options = parser.parse_args(request.options)
    resumed = to_resume(request, options)
    if resumed:
        check_network_name(resumed.checkpoint, resumed.path, str(request.model))
        if resumed.folder:
            request, options = as_in_run(request, resumed.folder)
            if is_finished(resumed.folder, options):
                tell_finished(resumed.folder, options)
                return 0
            parser = parser_of(request)
        check_length(resumed, options)
    given = parser.parse_args(request.options, defaults=False)

    # Whatever is wrong with the input is found out before anything is written.
    if not 0 <= options.seed < 2**32:
        raise ZooError(f"--seed must be at least 0 and below 2**32, got {options.seed}")
    if options.checkpoint_every is not None and options.checkpoint_every < 1:
        raise ZooError(f"--checkpoint_every must be at least 1 step, got {options.checkpoint_every}")
    quiet(profiling=bool(options.trainer.profiler))
    seed_everything(options.seed, workers=True, verbose=False)
    keeps = options.trainer.enable_checkpointing is not False
    last = ExactResume(Path() if keeps else None, options.checkpoint_every, options.allow_nan)
    last.length = str(length(options))
    best = ModelCheckpoint(monitor="val/loss", filename="best", enable_version_counter=False)
    as_launched(request, options)
    callbacks = _callbacks(options, last, best)
    trainer = build_trainer(parser, options, callbacks if keeps else [c for c in callbacks if c is not last])
    if not keeps:  # Lightning refuses a callback that could save
        callbacks_of(trainer).append(last)
    _share_batch(request, options, given, trainer.world_size, resumed.folder if resumed else None)
    try:
        data_name, data = _data(request, options, resumed, trainer.world_size)
    except DataUnavailableError as error:
        if model_class(str(request.model)).takes != "image":
            raise
        if request.data or trainer.world_size > 1:
            raise ZooError(f"{error}, or train on the embedded digits with --data {STAND_IN}") from None
        return fit(with_stand_in(request, error))
    model = _model(str(request.model), options, given, data)
    use_threads(model)
    if is_first_rank():
        check_run(trainer, model, data, options)
    if resumed:
        load_weights(model, resumed.checkpoint, resumed.path)
        rehearse(trainer, model, resumed.checkpoint, resumed.path)

    base = base_of(options.out, options.name or f"{request.model}-{data_name}")
    run = Run(base, model, str(request.model), data, data_name, options.seed, request.program)
    config = _config(run, parser, options)
    tensorboard = options.trainer.logger is not False
    _choose_folder(run, request, options, resumed)
    with only_writer(run.folder) if is_first_rank() else nullcontext():
        if is_first_rank():
            if resumed:
                resumed.check_unchanged()
            _prepare_folder(run, config)
        longer = resumed is not None and not is_complete(resumed.checkpoint, trainer.max_steps, last.length)
        trainer.loggers = [*_loggers(run.folder, resumed, longer, tensorboard), *trainer.loggers]
        path = last_checkpoint(run.folder)
        last.path = path if keeps else None
        best.dirpath = str(path.parent.resolve())  # a resumed run knows its best by it, from wherever it is started
        announce(run, trainer)
        try:
            _train(run, trainer, last, resumed)
        except BaseException:
            if not last.started and not (resumed and resumed.folder) and is_first_rank():
                remove(run.folder)  # nothing is in it yet
            raise
        path = last.path or path  # which the first rank told the others
        if last.signals.received and trainer.interrupted:
            report_interruption(run, trainer, path)
            return REQUEUE if last.signals.received == PREEMPTION else 128 + last.signals.received
        chosen = path.with_name(Path(best.best_model_path or path).name)
        if not chosen.exists() and path.exists():
            warn(f"{chosen} is gone, and no epoch after it was better: reporting on {path.name} instead.")
            chosen = path
        try:
            report(run, trainer, chosen)
        except KeyboardInterrupt:
            report_unreported(run, path)
            return 128 + signal.SIGINT
    return 0


def _choose_folder(run: Run, request: Request, options: Namespace, resumed: Resumed | None) -> None:
    """Give a run the folder that it goes on in, or one of its own, and the command that it was started by.

    On the first rank alone: the trainer tells the others where checkpoints go, and they write nothing else.
    """
    words = ["--model", run.model_name, "--data", run.data_name, *request.options]
    run.command = f"{request.program} {shlex.join(words)}"
    folder = resumed.folder if resumed else None
    if folder:
        run.folder = folder
        if has_length(folder, options):  # else it took this command to make it so long
            run.command = command_of(folder) or run.command
    elif is_first_rank():
        run.folder = new_folder(run.folder)


def _prepare_folder(run: Run, config: str) -> None:
    """Sweep up after a crash, and write the options of the run."""
    remove_leftovers(run.folder)
    (run.folder / "results.json").unlink(missing_ok=True)  # they are of a run that now goes on
    with atomic_write(run.folder / "config.yaml") as temporary:
        head = "".join(f"{COMMENT}{escape_control(line)}\n" for line in (run.command, job()) if line)
        temporary.write_text(head + config, encoding="utf-8")


def _train(run: Run, trainer: Trainer, last: ExactResume, resumed: Resumed | None) -> None:
    """Fit, and take the time; what ends a fit early, and is no fault of the zoo's, is told in one line."""
    path = last_checkpoint(run.folder)
    started = time.perf_counter()
    try:
        trainer.fit(run.model, run.data, ckpt_path=resumed.path if resumed else None, weights_only=True)
    except SystemExit:  # what Lightning makes of an interruption
        if not last.signals.received:
            raise
    except RuntimeError as error:
        if trainer.world_size == 1 or "by peer" not in str(error):  # Gloo's words: closed by peer, reset by peer
            raise
        raise ZooError("another process of the run is gone; go on with --ckpt_path last") from None
    except (MisconfigurationException, ModuleNotFoundError) as error:  # of callbacks and loggers, when they set up
        if last.started:
            raise
        raise ZooError(" ".join(str(error).split())) from None
    except OSError as error:
        if error.errno not in DISK_FULL or not path.exists():
            raise
        raise ZooError(
            f"{error.strerror}; {path} is as it was before. Make room, and go on with {how_to_go_on(run, path)}"
        ) from None
    trainer.profiler = PassThroughProfiler()  # type: ignore[attr-defined]  # the profile is of the training
    run.seconds = last.seconds + time.perf_counter() - started


def _callbacks(options: Namespace, last: ExactResume, best: ModelCheckpoint) -> list[Callback]:
    """Return what a run with these options needs; without a validation part there is nothing to choose the best by."""
    callbacks: list[Callback] = [last]
    if last.path and options.data.val_size:
        callbacks = [best, last]  # the last one saves the state of the best one
    if options.patience is not None:
        if options.patience < 0:
            raise ZooError(f"--patience must be at least 0, got {options.patience}")
        callbacks.append(EarlyStopping("val/loss", patience=options.patience))
    return callbacks


def _share_batch(request: Request, options: Namespace, given: Namespace, ranks: int, folder: Path | None) -> None:
    """Turn the batch size of each process, if it is given, into that of all of them."""
    each = options.data.pop("batch_size_per_device")
    if each is None:
        return
    if request.asks("--data.batch_size"):
        raise ZooError("--data.batch_size and --data.batch_size_per_device contradict each other; give one of them")
    if folder and options.data.batch_size != each * ranks:
        raise ZooError(
            f"--data.batch_size_per_device {each} is {each * ranks} of {ranks} processes, but the run to resume in "
            f"{folder} has batches of {options.data.batch_size}; start a new run"
        )
    options.data.batch_size = given.data.batch_size = each * ranks


def _data(request: Request, options: Namespace, resumed: Resumed | None, ranks: int) -> tuple[str, DataModule]:
    """Return the name of the data set, and itself, ready on the main process."""
    name = request.data or model_row(str(request.model)).data
    data = create_datamodule(name, **section(options, "data"), seed=options.seed)
    if resumed and (spec := resumed.checkpoint["zoo"].get("transform")):
        data.use_transform(from_spec(spec))
    if is_first_rank():  # the others wait for it in the trainer
        data.prepare_data()
        data.setup()
        data.check_ranks(ranks)
    return name, data


def _model(name: str, options: Namespace, given: Namespace, data: DataModule) -> Task:
    """Build the network in the shape of the data."""
    arguments, theirs = section(options, "model"), section(given, "model")
    for key, value in data.model_arguments().items():
        if key in arguments_of(model_class(name)):
            if theirs.get(key, value) != value:
                raise ZooError(f"--model.{key} {theirs[key]} does not fit the data, which has {value}; leave it out")
            arguments[key] = value
    try:
        model = build_model(name, **arguments)
    except (MemoryError, RuntimeError) as error:  # torch's words for too much
        if isinstance(error, RuntimeError) and not re.search("memory|overflow", str(error)):
            raise
        raise ZooError(f"the network does not fit into memory: {' '.join(str(error).split())}") from None
    try:
        model.configure_optimizers()
    except Exception as error:  # whatever torch's classes make of their arguments
        raise ZooError(f"the optimizer cannot be set up: {' '.join(str(error).split())}") from None
    return model


def _loggers(folder: Path, resumed: Resumed | None, longer: bool, tensorboard: bool) -> list[Logger]:
    loggers: list[Logger] = [MetricsFile(folder, resumed.checkpoint if resumed else None, longer)]
    if tensorboard and find_spec("tensorboard"):
        loggers.append(TensorBoardLogger(folder, name="tensorboard", version=""))
    return loggers


def _config(run: Run, parser: Parser, options: Namespace) -> str:
    """Return the options of the run, those that followed from the data included, as ``--config`` takes them."""
    options = options.clone()
    options.ckpt_path = None
    for name in devices_and_nodes():  # of this job, not of the run
        del options.trainer[name]
    options.model = Namespace(name=run.model_name, **run.model.hparams)
    options.data = Namespace(name=run.data_name, **{k: v for k, v in run.data.hparams.items() if k != "seed"})
    config: str = parser.dump(_plain(options), skip_validation=True)
    return config


def _plain(value: Any) -> Any:
    """Return options without enumerations, which are the defaults of some of Lightning's callbacks."""
    match value:
        case Namespace():
            return Namespace(**{name: _plain(item) for name, item in vars(value).items()})
        case list():
            return [_plain(item) for item in value]
        case Enum():
            return value.value
    return value
