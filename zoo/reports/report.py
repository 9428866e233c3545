"""What a run says: before it starts, and when it has ended."""

from __future__ import annotations

import json
import math
import platform
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import lightning
import torch
import torchmetrics
import torchvision
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, Timer
from lightning.pytorch.utilities import rank_zero_only

from zoo.checkpoints.reading import load_weights, read_checkpoint
from zoo.datamodules.common.base import DataModule
from zoo.internals.lightning import callbacks_of
from zoo.kinds import Split
from zoo.reports import figures
from zoo.support.console import echo
from zoo.support.files import atomic_write
from zoo.support.tables import format_number, sort_metrics
from zoo.support.version import __version__
from zoo.tasks import Task
from zoo.training.metrics_file import MetricsFile
from zoo.training.versions import machine

Metrics = dict[str, dict[str, float] | None]
"""By split, by name; None for a split that the run has not."""

FEW = 16
"""Parameters of a network that are told, since they are its result."""


@dataclass
class Run:
    """A training run.

    Attributes:
        folder: The run folder.
        model: The network.
        model_name: Its name in the registry.
        data: The data module.
        data_name: Its name in the registry.
        seed: Seed of weights, order and dropout.
        program: How the user started it, without the options.
        command: The same, with the options.
        seconds: How long the fit took, with what a resumed run took to its checkpoint.
    """

    folder: Path
    model: Task
    model_name: str
    data: DataModule
    data_name: str
    seed: int
    program: str
    command: str = ""
    seconds: float = 0.0

    @property
    def parameters(self) -> int:
        """Number of parameters of the network."""
        return sum(p.numel() for p in self.model.parameters())


def splits_of(data: DataModule) -> list[Split]:
    """Return the splits that a data set has: without a validation part, only train and test."""
    return [split for split in get_args(Split) if split != "val" or data.val_size > 0]


@rank_zero_only
def warn(*lines: str) -> None:
    """Print a warning that cannot be overlooked."""
    bar = "!" * 100
    echo("\n".join([bar, *(f"WARNING: {line}" for line in lines), bar]), file=sys.stderr, flush=True)


@rank_zero_only
def announce(run: Run, trainer: Trainer) -> None:
    """Print, in one line, what is about to be done."""
    sizes = ", ".join(f"{len(run.data.splits[split]):,} {split}" for split in splits_of(run.data))
    ranks = f"{trainer.world_size} × " if trainer.world_size > 1 else ""
    device = f"{ranks}{trainer.strategy.root_device.type}"
    limit = "no limit of" if trainer.max_epochs in (None, -1) else trainer.max_epochs
    epochs = f"{limit} {'epoch' if limit == 1 else 'epochs'}"
    parts = [f"{run.model_name}, {run.parameters:,} parameters", f"{run.data_name} ({sizes})", device, epochs]
    echo(" · ".join([*parts, str(run.folder)]), flush=True)


def report(run: Run, trainer: Trainer, checkpoint: Path) -> None:
    """Evaluate the best checkpoint on all splits, draw the figures, write ``results.json``, and tell.

    All ranks must call it; the first one tells.
    """
    # Those that began: a run that was resumed at the end of its last epoch does not count it as completed any more.
    epochs = trainer.fit_loop.epoch_progress.current.ready
    steps = trainer.global_step
    title = "the network as it is, without a checkpoint"
    if checkpoint.exists():
        saved = read_checkpoint(checkpoint)
        load_weights(run.model, saved, checkpoint)
        title = f"{checkpoint.stem} checkpoint, after epoch {saved['epoch'] + 1} of {epochs}{_why_stopped(trainer)}"
    loggers = trainer.loggers
    metrics: Metrics = dict.fromkeys(get_args(Split))
    for split in splits_of(run.data):
        metrics[split] = evaluate(trainer, run.model, run.data, split)
    if not trainer.is_global_zero:
        return
    drawn = figures.draw(run.folder, run.model, run.data)
    results = {
        "model": run.model_name,
        "data": run.data_name,
        "parameters": run.parameters,
        "epochs": epochs,
        "steps": steps,
        "seed": run.seed,
        "seconds": round(run.seconds, 3),
        "command": run.command,
        "sizes": {split: len(run.data.splits[split]) for split in splits_of(run.data)},
        "metrics": {split: _as_json(values) for split, values in metrics.items()},
        "versions": versions(),
        "checkpoint": str(checkpoint) if checkpoint.exists() else None,
    }
    with atomic_write(run.folder / "results.json") as temporary:
        temporary.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")

    echo(f"\n{title}\n\n{table(metrics)}\n")
    if run.parameters <= FEW:
        for name, values in run.model.named_parameters():
            _tell("learned", name, *(f"{value:.4f}" for value in values.flatten().tolist()))
        if run.data.coefficients:
            _tell("made with", *(f"{value:.4f}" for value in run.data.coefficients))
        echo()
    if metrics["val"] is None:
        echo("No part was held out (val_size 0): the val metrics of each epoch are of the test set, and the last epoch")
        echo("is reported, so that nothing was chosen by the test set.\n")
    if checkpoint.exists():
        _tell("checkpoint", checkpoint)
    for number, figure in enumerate(drawn):
        _tell("" if number else "figures", figure)
    _tell("results", run.folder / "results.json")
    _tell("config", run.folder / "config.yaml")
    _tell("again", f"{run.program} --config {shlex.quote(str(run.folder / 'config.yaml'))}")
    for logger in loggers:
        if not isinstance(logger, MetricsFile):  # that is of the training
            logger.log_metrics({f"test/{name}": value for name, value in (metrics["test"] or {}).items()}, steps)
            logger.finalize("success")


def _why_stopped(trainer: Trainer) -> str:
    """Return what ended a run before its last epoch, as the title of its report says it."""
    for callback in callbacks_of(trainer):
        if isinstance(callback, Timer) and (callback.time_remaining() or 1) <= 0:
            return f", stopped by max_time after {callback.time_elapsed():.0f} s"
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch:
            return f", stopped early by {callback.monitor}"
    return ""


@rank_zero_only
def report_interruption(run: Run, trainer: Trainer, checkpoint: Path) -> None:
    """Tell how far an interrupted run got, and how to go on."""
    logged: dict[str, dict[str, float]] = {}
    for key in sort_metrics(trainer.callback_metrics):
        split, _, name = key.partition("/")
        logged.setdefault(split, {})[name] = float(trainer.callback_metrics[key])
    echo(f"\n\nInterrupted in epoch {trainer.current_epoch + 1}, after {trainer.global_step:,} steps.\n")
    if logged:
        echo(f"{table(logged)}\n")
    _tell("config", run.folder / "config.yaml")
    if checkpoint.exists():
        _tell("checkpoint", checkpoint)
        _tell("go on", how_to_go_on(run, checkpoint))


@rank_zero_only
def report_unreported(run: Run, checkpoint: Path) -> None:
    """Tell that a run was interrupted when it was evaluated, and how to have that done."""
    echo("\n\nThe training is complete; interrupted in the closing evaluation.\n")
    if checkpoint.exists():
        _tell("checkpoint", checkpoint)
        _tell("report", how_to_go_on(run, checkpoint))


def how_to_go_on(run: Run, checkpoint: Path) -> str:
    """Return the command that goes on from a checkpoint of a run."""
    return f"{run.program} --config {shlex.join([str(run.folder / 'config.yaml'), '--ckpt_path', str(checkpoint)])}"


def evaluate(trainer: Trainer, model: Task, data: DataModule, split: Split) -> dict[str, float]:
    """Return the metrics of a network, as it is, on a split. All ranks must call it."""
    trainer.loggers = []  # metrics.csv is of the training
    try:
        (results,) = trainer.test(model, data if split == "test" else data.with_test_split(split), verbose=False)
    except SystemExit:
        if trainer.interrupted:  # what Lightning makes of Ctrl-C
            raise KeyboardInterrupt from None
        raise
    return {name.removeprefix("test/"): results[name] for name in sort_metrics(results)}


def table(metrics: Mapping[str, Mapping[str, float | None] | None]) -> str:
    """Return metrics as text: a row a split, a column a metric."""
    names = sort_metrics({name for values in metrics.values() for name in values or {}})
    rows = [["", *names]]
    for split, values in metrics.items():
        found = [(values or {}).get(name) for name in names]
        rows.append([split, *("–" if value is None else format_number(value) for value in found)])
    return "\n".join("  ".join([f"{row[0]:<6}", *(f"{cell:>8}" for cell in row[1:])]).rstrip() for row in rows)


def _as_json(values: Mapping[str, float] | None) -> dict[str, float | None] | None:
    """Return metrics with None for numbers that JSON has not: NaN and infinity."""
    return None if values is None else {name: v if math.isfinite(v) else None for name, v in values.items()}


def versions() -> dict[str, str]:
    """Return the versions of what computed the result, and what its last digits depend on beside them."""
    modules: dict[str, Any] = {
        "torch": torch,
        "lightning": lightning,
        "torchvision": torchvision,
        "torchmetrics": torchmetrics,
    }
    versions = {name: str(module.__version__) for name, module in modules.items()}
    return {"python": platform.python_version(), "zoo": __version__, **versions, **machine()}


def _tell(what: str, *values: object) -> None:
    echo(f"{what:<12}{'  '.join(map(str, values))}")
