"""What a run writes into its folder before and after the training."""

from __future__ import annotations

import contextlib

import yaml

from zoo.checkpoints.writing import remove_leftovers
from zoo.launch.launchers import job
from zoo.support.files import atomic_write
from zoo.training.metrics_file import metrics_path, rewind
from zoo.training.run import Run
from zoo.training.run_folder import last_checkpoint
from zoo.training.run_record import RunRecord
from zoo.training.versions import versions


def prepare_folder(run: Run) -> None:
    """Make the run folder ready for the training: remove what a crash left, and write the options and the record.

    Raises:
        ZooError: Another process has gone on with the run since its checkpoint was read.
    """
    resume = run.plan.resume
    if resume:
        resume.check_unchanged()
    for folder in (run.folder, last_checkpoint(run.folder).parent):  # no other process writes there
        remove_leftovers(folder)
    (run.folder / "results.json").unlink(missing_ok=True)  # outdated once the run continues
    if resume:
        complete = resume.is_complete(run.trainer.max_steps, run.plan.length)
        rewind(metrics_path(run.folder), resume.checkpoint, complete)
    else:
        metrics_path(run.folder).unlink(missing_ok=True)  # of a run that was killed before its first checkpoint
    with atomic_write(run.config_file) as temporary:
        temporary.write_text(_config(run), encoding="utf-8")
    _record(run).write(run.folder)


def record_time(run: Run, seconds: float) -> None:
    """Add the time that the training took to the record, if the disk has room for it: the report matters more."""
    with contextlib.suppress(OSError):
        _record(run, round(seconds, 3)).write(run.folder)


def _record(run: Run, seconds: float | None = None) -> RunRecord:
    return RunRecord(run.plan.command, job(), versions(), seconds, run.plan.origin)


def _config(run: Run) -> str:
    """Return the options of the run as ``--config`` takes them, with those that followed from the data."""
    config = dict(run.plan.config)
    model = {"name": run.plan.model, **run.model.hparams}
    data = {"name": run.plan.data, **run.data.hparams}
    del data["seed"]  # an option of the run
    for section, options in (("model", model), ("data", data)):  # null is there where it is not the default
        config[section] = {k: v for k, v in options.items() if v is not None or k in config[section]}
    return str(yaml.safe_dump(config, sort_keys=False, allow_unicode=True))
