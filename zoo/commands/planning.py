"""The first step of ``zoo fit``: from the words of a command line to the plan of a run."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any

import yaml
from jsonargparse import Namespace
from lightning.pytorch import seed_everything

from zoo.checkpoints.reading import check_network_name
from zoo.commands.options import Options, merge_with_run, parse_options
from zoo.commands.parser import flat, section, trainer_arguments
from zoo.commands.parser_defaults import STAND_IN
from zoo.commands.registry import SERIES
from zoo.commands.request import Request
from zoo.commands.stand_in import prepare_or_substitute_data
from zoo.commands.transfer import check_transfer
from zoo.errors import ZooError
from zoo.internals.jsonargparse import dump_with_null
from zoo.launch import rendezvous
from zoo.launch.launchers import devices_and_nodes, job
from zoo.registry import model_row
from zoo.support.console import command_line
from zoo.support.files import parse_path
from zoo.training.plan import Plan
from zoo.training.resuming import ResumePoint, find_newest, find_of_job
from zoo.training.run_folder import find_run_folder, runs_folder
from zoo.training.run_record import RunRecord
from zoo.training.trainer import DEVICE_ARGUMENTS, check_trainer_options, count_processes, quiet
from zoo.weights.starting import StartingWeights

LENGTH_OPTIONS = ("trainer.max_epochs", "trainer.max_steps", "trainer.max_time", "patience")
"""The options that say how long a run is."""


def make_plan(request: Request) -> Plan | Path:
    """Parse and check the options of a run, find the checkpoint to resume from, and prepare the data.

    Returns:
        The plan; or the folder of the run to be resumed, if that has nothing left to do.

    Raises:
        ZooError: An option is wrong, there is nothing to resume, or the data is not available.
    """
    options = parse_options(request)
    resume = _find_checkpoint(options)
    longer = opens = False
    if resume:
        check_network_name(resume.checkpoint, resume.path, options.model)
        if resume.folder:
            before, options = merge_with_run(options.request, resume.folder)
            longer = _length(options.values) != _length(before)
            opens = options.values.test and not before.test
            if not longer and not opens and (resume.folder / "results.json").exists():
                return resume.folder
        _check_length(resume, options.values)
    check_transfer(options.values, options.model)
    if options.values.weights is not None and not (resume and resume.folder):
        options = parse_options(request, StartingWeights.read(options.model, options.values.weights))
    _check_numbers(options.values)
    check_trainer_options(vars(options.values.trainer))
    quiet(profiling=bool(options.values.trainer.profiler))
    # Before anything asks for the rank of this process, which some launchers tell to the Trainer only.
    processes = count_processes(trainer_arguments(options.parser, options.values, DEVICE_ARGUMENTS))
    options = prepare_or_substitute_data(options, processes)
    _share_batch(options, processes, resume.folder if resume else None)
    values = options.values
    seed_everything(values.seed, workers=True, verbose=False)  # of callbacks that draw when they are made
    arguments = trainer_arguments(options.parser, values)
    words = ["--model", options.model, "--data", options.data, *options.request.words]
    command = f"{options.request.program} {command_line(words)}"
    record = RunRecord.read(resume.folder) if resume and resume.folder else None
    if record and not longer:
        command = record.command  # this one only resumes it
    return Plan(
        program=options.request.program,
        command=command,
        model=options.model,
        model_arguments=section(values, "model"),
        given_model_arguments=section(options.given, "model"),
        data=options.data,
        data_arguments=section(values, "data"),
        # ExactResume is a checkpoint callback also if it saves nothing.
        trainer_arguments={**arguments, "enable_checkpointing": True},
        seed=values.seed,
        patience=values.patience,
        keeps_checkpoints=arguments["enable_checkpointing"] is not False,
        checkpoint_every=values.checkpoint_every,
        allow_nan=values.allow_nan,
        fast=values.fast,
        compile=values.compile,
        steps_per_execution=values.steps_per_execution,
        test=values.test,
        all_metrics=values.metrics == "all",
        baselines=values.baselines,
        processes=processes,
        length=str(_length(values)),
        runs_folder=runs_folder(values.out, values.name or f"{options.model}-{options.data}"),
        resume=resume,
        start=options.start,
        origin=options.start.origin if options.start else record.weights if record else {},
        frozen=values.freeze is not None,
        unfreeze_at=values.unfreeze_at,
        config=_config(options),
    )


def _find_checkpoint(options: Options) -> ResumePoint | None:
    """Return the checkpoint to resume from, if any: the requested one, or that of a restarted job."""
    path, request = options.values.ckpt_path, options.request
    restarted = path != "last" and rendezvous.join() and job() != ""
    if not path and not restarted:
        return None
    # The runs are in the folder of the data, or of the data that stood in for them.
    data_names = [request.data] if request.data else [model_row(options.model).data, STAND_IN]
    names = [options.values.name] if options.values.name else [f"{options.model}-{name}" for name in data_names]
    bases = [runs_folder(options.values.out, name) for name in names]
    if path == "last":
        return find_newest(bases)
    if restarted and (resume := find_of_job(bases, job())):
        return resume
    if not path:
        return None
    file = parse_path(path, "--ckpt_path")
    return ResumePoint.read(file, find_run_folder(file))


def _length(options: Namespace) -> dict[str, Any]:
    return {name: options.get(name) for name in LENGTH_OPTIONS}


def _check_length(resume: ResumePoint, options: Namespace) -> None:
    """Raise ZooError if the run that is resumed is longer already than asked."""
    reached = {"max_epochs": resume.checkpoint["epoch"] + 1, "max_steps": resume.checkpoint["global_step"]}
    for name, done in reached.items():
        if (wanted := options.trainer[name]) is not None and 0 <= wanted < done:
            unit = name.removeprefix("max_")[:-1]
            raise ZooError(
                f"--trainer.{name} is {wanted}, but {resume.path} is already at {unit} {done}; "
                f"give at least {done}, or omit --ckpt_path to start a new run"
            )


def _check_numbers(options: Namespace) -> None:
    if not 0 <= options.seed < 2**32:
        raise ZooError(f"--seed must be at least 0 and below 2**32, got {options.seed}")
    if options.checkpoint_every is not None and options.checkpoint_every < 1:
        raise ZooError(f"--checkpoint_every must be at least 1 step, got {options.checkpoint_every}")
    if given := [name for name in SERIES if options.get(name) is not None]:
        raise ZooError(f"--config has {given[0]}, which is an option of the command line alone")
    if not options.test and not options.data.val_size:
        raise ZooError("--test false needs a validation part; give --data.val_size a number above 0")
    if options.patience is not None and options.patience < 0:
        raise ZooError(f"--patience must be at least 0, got {options.patience}")


def _share_batch(options: Options, ranks: int, folder: Path | None) -> None:
    """Turn the batch size of each process, if it is given, into that of all of them."""
    values = options.values
    each = values.data.pop("batch_size_per_device")
    if each is None:
        return
    if options.request.gives("--data.batch_size"):
        raise ZooError("--data.batch_size and --data.batch_size_per_device exclude each other; give one of them")
    if folder and values.data.batch_size != each * ranks:
        raise ZooError(
            f"--data.batch_size_per_device {each} is {each * ranks} of {ranks} processes, but the run to resume in "
            f"{folder} has batches of {values.data.batch_size}; start a new run"
        )
    values.data.batch_size = each * ranks


def _config(options: Options) -> dict[str, Any]:
    """Return the options as ``config.yaml`` keeps them: without those of this job, and what is null by default."""
    values = options.values.clone()
    values.ckpt_path = None
    for name in devices_and_nodes():
        del values.trainer[name]
    for name, value in [*flat(values)]:
        if value is None and options.parser.get_default(name) is None:
            del values[name]
    content: dict[str, Any] = yaml.safe_load(dump_with_null(options.parser, _plain(values)))
    return content


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
