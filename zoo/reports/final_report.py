"""What a run prints, draws and writes when it has ended."""

from __future__ import annotations

import json
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import EarlyStopping, Timer
from lightning.pytorch.utilities import rank_zero_only

from zoo.checkpoints.reading import load_weights, read_checkpoint
from zoo.errors import ZooError
from zoo.internals.lightning import callbacks_of
from zoo.reports.evaluation import splits_of
from zoo.reports.report import finite, make_report
from zoo.reports.run_files import draw, show_figures
from zoo.reports.run_results import MAX_BYTES
from zoo.reports.trackers import track_report
from zoo.support.console import command_line, echo
from zoo.support.files import atomic_write, read_bytes
from zoo.support.tables import format_metrics, sort_metrics
from zoo.support.terminal import print_path
from zoo.training.pruning import Pruning
from zoo.training.run import Run
from zoo.training.versions import versions

MAX_PRINTED_PARAMETERS = 16
"""A network with at most that many parameters has them printed: they are its result."""


def report_run(run: Run, checkpoint: Path, seconds: float) -> None:
    """Evaluate a checkpoint on all splits, draw the figures, write ``results.json``, and print the report.

    All ranks must call it; the first one prints.

    Args:
        run: The run, after its training.
        checkpoint: The best checkpoint. If there is none, the network is evaluated as it is.
        seconds: Time that the training took.
    """
    trainer = run.trainer
    # Those that began: a run that was resumed at the end of its last epoch no longer counts it as completed.
    epochs, steps = trainer.fit_loop.epoch_progress.current.ready, trainer.global_step
    title = "the network as it is, without a checkpoint"
    if checkpoint.exists():
        saved = read_checkpoint(checkpoint)
        load_weights(run.model, saved, checkpoint)
        title = f"{checkpoint.stem} checkpoint, after epoch {saved['epoch'] + 1} of {epochs}{_why_stopped(trainer)}"
    plan = run.plan
    made = make_report(trainer, run.model, run.data, whole=plan.all_metrics, compare=plan.baselines, test=plan.test)
    if made is None:  # on another rank
        return
    drawn = draw(run.folder, run.model, run.data, made)
    results = {
        "model": run.plan.model,
        "data": run.plan.data,
        "parameters": run.parameters,
        "epochs": epochs,
        "steps": steps,
        "seed": run.plan.seed,
        "seconds": round(seconds, 3),
        "command": run.plan.command,
        **({"weights": run.plan.origin} if run.plan.origin else {}),
        **({"pruned": True} if _was_pruned(trainer) else {}),
        "sizes": {split: len(run.data.splits[split]) for split in splits_of(run.data)},
        "metrics": {split: finite(values) for split, values in made.metrics.items()},
        "versions": versions(),
        "checkpoint": str(checkpoint) if checkpoint.exists() else None,
        "baselines": {name: finite(values) for name, values in made.baselines.items()},
        "classes": made.classes,
        "calibration": [finite(row) for row in made.calibration],
    }
    with atomic_write(run.folder / "results.json") as temporary:
        temporary.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    show_figures(drawn)
    echo(f"\n{title}\n\n{made}\n")
    _print_parameters(run)
    if not run.plan.test:
        echo("The test set was not opened (--test false).\n")
    if made.metrics["val"] is None:
        echo("Without a validation part (val_size 0), the val metrics of each epoch are those of the test set.")
        echo("The last epoch is reported, so that nothing is selected on the test set.\n")
    _print_files(run, checkpoint, drawn)
    table = run.folder / "mistakes.csv"
    track_report(run, made.metrics["test"] or {}, steps, [*drawn, *([table] if table.exists() else [])], checkpoint)


def report_finished(folder: Path) -> None:
    """Print that a run is finished, and its results. Raises ZooError if they are damaged."""
    try:
        results = json.loads(read_bytes(folder / "results.json", MAX_BYTES))
        echo(f"{folder} is finished, after {results['epochs']:,} epochs and {results['steps']:,} steps:\n")
        echo(f"{format_metrics(results['metrics'])}\n")
    except (OSError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ZooError(f"{folder / 'results.json'} is damaged; delete it to have the run evaluated again") from None
    echo("To train longer, raise its limit, such as --trainer.max_epochs; to start a new run, omit --ckpt_path.")


@rank_zero_only
def report_interruption(run: Run, checkpoint: Path) -> None:
    """Print how far an interrupted run got, and how to resume it."""
    measured = run.trainer.callback_metrics
    metrics: dict[str, dict[str, float]] = {}
    for key in sort_metrics(measured):
        split, _, name = key.partition("/")
        metrics.setdefault(split, {})[name] = float(measured[key])
    echo(f"\n\nInterrupted in epoch {run.trainer.current_epoch + 1}, after {run.trainer.global_step:,} steps.\n")
    if metrics:
        echo(f"{format_metrics(metrics)}\n")
    _print_line("config", run.config_file)
    if checkpoint.exists():
        _print_line("checkpoint", checkpoint)
        _print_line("resume", run.resume_command(checkpoint))


@rank_zero_only
def report_unevaluated(run: Run, checkpoint: Path) -> None:
    """Print that a run was interrupted in its closing evaluation, and how to make up for it."""
    echo("\n\nThe training is complete; the closing evaluation was interrupted.\n")
    if checkpoint.exists():
        _print_line("checkpoint", checkpoint)
        _print_line("report", run.resume_command(checkpoint))


def _print_parameters(run: Run) -> None:
    """Print the parameters of a network that has few of them, and the numbers that the data was made with."""
    if run.parameters > MAX_PRINTED_PARAMETERS:
        return
    for name, values in run.model.named_parameters():
        _print_line("learned", name, *(f"{value:.4f}" for value in values.flatten().tolist()))
    if run.data.coefficients:
        _print_line("made with", *(f"{value:.4f}" for value in run.data.coefficients))
    echo()


def _print_files(run: Run, checkpoint: Path, drawn: list[Path]) -> None:
    """Print where everything is, and how to start the run again."""
    if checkpoint.exists():
        _print_line("checkpoint", checkpoint)
    for number, figure in enumerate(drawn):
        print_path(f"{'' if number else 'figures':<12}", figure)
    if (table := run.folder / "mistakes.csv").exists():
        _print_line("mistakes", table)
    _print_line("results", run.folder / "results.json")
    _print_line("config", run.config_file)
    _print_line("again", f"{run.plan.program} --config {command_line([str(run.config_file)])}")


def _was_pruned(trainer: Trainer) -> bool:
    return any(isinstance(callback, Pruning) and callback.pruned for callback in callbacks_of(trainer))


def _why_stopped(trainer: Trainer) -> str:
    """Return what ended a run before its last epoch, as the title of its report says it."""
    if _was_pruned(trainer):
        return ", pruned: worse than the median of the runs before"
    for callback in callbacks_of(trainer):
        if isinstance(callback, Timer) and (callback.time_remaining() or 1) <= 0:
            return f", stopped by max_time after {callback.time_elapsed():.0f} s"
        if isinstance(callback, EarlyStopping) and callback.stopped_epoch:
            return f", stopped early by {callback.monitor}"
    return ""


def _print_line(what: str, *values: object) -> None:
    echo(f"{what:<12}{'  '.join(map(str, values))}")
