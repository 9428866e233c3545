"""Going on with a run: from which checkpoint, with which options, and whether there is anything left to do."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from zoo.checkpoints.reading import read_checkpoint
from zoo.commands.defaults import STAND_IN, parser_of
from zoo.commands.parser import as_list, flat
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.launch import rendezvous
from zoo.launch.launchers import job
from zoo.registry import model_row
from zoo.reports.report import table, warn
from zoo.reports.results import MOST_BYTES
from zoo.support.console import echo
from zoo.support.files import parse_path, read_bytes
from zoo.training.config_file import config_text, names_in
from zoo.training.run_folder import base_of, checkpoints_of, folders, run_of

COMMENT = "# "
"""Before the command that started a run, and the job that it is of, at the top of its config.yaml."""

LENGTH = ("trainer.max_epochs", "trainer.max_steps", "trainer.max_time", "patience")

OF_THE_RUN = ("model.", "data.", "seed")
"""How options begin that a resumed run cannot change."""

SHARED = ("data.root", "data.batch_size_per_device")
"""Options of the data that may differ in a resumed run: where they are, and another way to tell the batch size."""

ADDED_TO = ("trainer.callbacks", "trainer.logger", "trainer.plugins")
"""Options that take several objects."""


@dataclass
class Resumed:
    """What a run goes on from.

    Attributes:
        path: The checkpoint.
        checkpoint: What is in it.
        folder: The run's folder; None if the checkpoint is from elsewhere, and the run gets a folder of its own.
        written: When the checkpoint was written, in nanoseconds.
    """

    path: Path
    checkpoint: dict[str, Any]
    folder: Path | None
    written: int

    @classmethod
    def read(cls, file: str | Path, folder: Path | None) -> Resumed:
        """Read a checkpoint. Raises ZooError if it cannot be read."""
        path = Path(file)
        written = path.stat().st_mtime_ns if path.exists() else 0
        return cls(path, read_checkpoint(file), folder, written)

    def check_unchanged(self) -> None:
        """Raise ZooError if another process went on with the run since the checkpoint was read."""
        if not self.path.exists() or self.path.stat().st_mtime_ns != self.written:
            raise ZooError(f"another process wrote {self.path} just now; try again")


def to_resume(request: Request, options: Namespace) -> Resumed | None:
    """Return what the run is to go on from, if it is to.

    Raises:
        ZooError: There is nothing to go on from, or it cannot be read.
    """
    if options.ckpt_path != "last":
        if rendezvous.join() and (resumed := _of_this_job(request, options)):
            return resumed
        if not options.ckpt_path:
            return None
        path = parse_path(options.ckpt_path, "--ckpt_path")
        return Resumed.read(path, run_of(path))
    return _newest(_bases(request, options))


def _newest(bases: list[Path]) -> Resumed:
    """Return what the newest run goes on from, or, if it has no checkpoint, the newest that has one."""
    runs = [folder for base in bases for folder in folders(base)[:1]]
    if not runs:
        raise ZooError(f"there is no run to resume in {bases[0]}; leave --ckpt_path out to start one")
    newest = max(runs, key=lambda folder: folder.stat().st_mtime)
    for folder in folders(newest.parent):
        if checkpoints_of(folder):
            if folder != newest:
                warn(
                    f"the newest run, {newest}, was ended before its first checkpoint: this is about {folder} instead."
                )
            return _newest_readable(folder)
    raise ZooError(f"{newest} was ended before its first checkpoint; leave --ckpt_path out to start a new run")


def _bases(request: Request, options: Namespace) -> list[Path]:
    """Return where the run may be: in the folder of its data, or of those that stood in for them."""
    data_names = [request.data] if request.data else [model_row(str(request.model)).data, STAND_IN]
    names = [options.name] if options.name else [f"{request.model}-{data_name}" for data_name in data_names]
    return [base_of(options.out, name) for name in names]


def _of_this_job(request: Request, options: Namespace) -> Resumed | None:
    """Return what a job that was started again goes on from: its own run, if that has a checkpoint.

    The newest of that name is its own: an older one is of another job, which was called the same.
    """
    for base in _bases(request, options):
        for folder in folders(base):
            if COMMENT + job() in _head(folder):
                return _newest_readable(folder) if checkpoints_of(folder) else None
    return None


def _newest_readable(folder: Path) -> Resumed:
    first_error = None
    for path in checkpoints_of(folder):
        try:
            resumed = Resumed.read(path, folder)
        except ZooError as error:
            first_error = first_error or error
            continue
        if first_error:
            epoch = resumed.checkpoint["epoch"] + 1
            warn(f"{first_error}.", f"Going on from {path} instead, saved in epoch {epoch}.")
        return resumed
    assert first_error is not None
    raise first_error


def as_in_run(request: Request, folder: Path) -> tuple[Request, Namespace]:
    """Return the request, and its options: those of the run in a folder, where the request does not ask for others.

    What can be asked for several times, such as callbacks, is added to what the run has, unless the run has it already:
    the command that started the run may be repeated.

    Raises:
        ZooError: It asks for another network, other data or another seed than the run has: that is another run.
    """
    config = folder / "config.yaml"
    data_name = names_in(config)["data"]
    if request.data not in (None, data_name):
        raise ZooError(f"--data is {request.data}, but the run to resume in {folder} has {data_name}")
    request = replace(request, data=data_name)
    options = _options(replace(request, options=["--config", str(config)]))
    parser = parser_of(request)
    asked, given = parser.parse_args(request.options), parser.parse_args(request.options, defaults=False)
    for option, value in flat(given):
        before = options.get(option)
        if option in ADDED_TO and (run_has := as_list(before)):
            value = [*run_has, *(one for one in as_list(asked[option]) if one not in run_has)]
        elif value != before and option.startswith(OF_THE_RUN) and option not in SHARED:
            raise ZooError(f"--{option} is {value}, but the run to resume in {folder} has {before}; start a new run")
        options[option] = value
    return request, options


def is_finished(folder: Path, options: Namespace) -> bool:
    """Return whether the run in a folder has come to its end, and nothing longer is asked for."""
    return (folder / "results.json").exists() and has_length(folder, options)


def has_length(folder: Path, options: Namespace) -> bool:
    """Return whether the run in a folder is as long as these options ask for."""
    config = folder / "config.yaml"
    has = _options(Request("fit", "", **names_in(config), options=["--config", str(config)]))
    return length(options) == length(has)


def length(options: Namespace) -> dict[str, Any]:
    """Return the options that say how long a run is; a run with others has more to do."""
    return {name: options.get(name) for name in LENGTH}


def check_length(resumed: Resumed, options: Namespace) -> None:
    """Raise ZooError if the run that a checkpoint is of is longer already than these options ask for."""
    done = {"max_epochs": resumed.checkpoint["epoch"] + 1, "max_steps": resumed.checkpoint["global_step"]}
    for name, reached in done.items():
        if (wanted := options.trainer[name]) is not None and 0 <= wanted < reached:
            raise ZooError(
                f"--trainer.{name} is {wanted}, but {resumed.path} is of {name.removeprefix('max_')[:-1]} {reached}; "
                f"give at least {reached}, or leave --ckpt_path out to start anew"
            )


def is_complete(checkpoint: dict[str, Any], max_steps: int, length: str) -> bool:
    """Return whether a run that an epoch was cut short of has nothing left to train after a checkpoint.

    Args:
        checkpoint: The checkpoint.
        max_steps: Of the trainer.
        length: See :class:`zoo.callbacks.ExactResume`.
    """
    reached = 0 <= max_steps <= checkpoint["global_step"]
    return reached or checkpoint.get("exact_resume", {}).get("stopped_at") == length


def tell_finished(folder: Path, options: Namespace) -> None:
    """Print that there is nothing left to do, and what came out."""
    try:
        results = json.loads(read_bytes(folder / "results.json", MOST_BYTES))
        echo(f"{folder} is finished, after {results['epochs']:,} epochs and {results['steps']:,} steps:\n")
        echo(f"{table(results['metrics'])}\n")
    except (OSError, AttributeError, KeyError, TypeError, ValueError, RecursionError):
        raise ZooError(f"{folder / 'results.json'} is damaged; delete it to have the run evaluated again") from None
    echo("To train on, give more of what ended it, such as --trainer.max_epochs; to start anew, leave --ckpt_path out.")


def command_of(folder: Path) -> str | None:
    """Return the command that started the run in a folder, if its config.yaml tells."""
    head = _head(folder)
    return head[0].removeprefix(COMMENT) if head else None


def _head(folder: Path) -> list[str]:
    """Return the comments at the top of a run's config.yaml: the command, and the job if it was one."""
    try:
        lines = config_text(folder / "config.yaml").splitlines()
    except ZooError:
        return []
    return list(takewhile(lambda line: line.startswith(COMMENT), lines))


def _options(request: Request) -> Namespace:
    options: Namespace = parser_of(request).parse_args(request.options)
    return options
