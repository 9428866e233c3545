"""``zoo fit``: plan, build, train, report."""

from __future__ import annotations

import signal
import time
from contextlib import nullcontext
from pathlib import Path, PureWindowsPath

from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import seed_everything
from lightning.pytorch.profilers import PassThroughProfiler

from zoo.checkpoints.reading import load_weights
from zoo.commands.planning import make_plan
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.internals.lightning import is_first_rank
from zoo.internals.messages import is_lost_connection
from zoo.launch.signals import PREEMPTION, REQUEUE
from zoo.reports.announcement import announce
from zoo.reports.final_report import report_finished, report_interruption, report_run, report_unevaluated
from zoo.reports.trackers import track_options
from zoo.support.console import one_line
from zoo.support.files import DISK_FULL
from zoo.training.build import build_callbacks, build_data, build_loggers, build_network, load_start
from zoo.training.check_options import check_run
from zoo.training.check_resume import check_resume
from zoo.training.plan import Plan
from zoo.training.run import Run
from zoo.training.run_files import prepare_folder, record_time
from zoo.training.run_folder import Claim, claim_folder, last_checkpoint
from zoo.training.trainer import build_trainer, use_threads
from zoo.training.warn import warn


def run(request: Request) -> int:
    """Train a network as asked, and report on it.

    Returns:
        The exit code: 0, 75 for a job that is to be requeued, or 128 and the signal that ended the run.
    """
    if request.search or request.trials or request.prune:
        raise ZooError("--search, --trials and --prune are for zoo sweep")
    if request.seeds or request.folds:
        from zoo.commands.series import run_series  # which runs several times what is below

        return run_series(request)
    if request.jobs:
        raise ZooError("--jobs is for --seeds, --folds and zoo sweep; processes that load data are --data.num_workers")
    plan = make_plan(request)
    if isinstance(plan, Path):
        report_finished(plan)
        return 0
    # The other ranks write nothing; the trainer tells them where the checkpoints are.
    others = nullcontext(Claim(plan.runs_folder, keep=True))
    with claim_folder(plan.runs_folder, plan.folder) if is_first_rank() else others as claim:
        return carry_out(plan, claim)


def carry_out(plan: Plan, claim: Claim) -> int:
    """Build what a plan needs, train, and report. Return the exit code."""
    training_run = build(plan, claim.path)
    try:
        seconds = train(training_run)
    finally:
        claim.keep |= training_run.exact_resume.started
    claim.keep = True
    return report(training_run, seconds)


def build(plan: Plan, folder: Path) -> Run:
    """Build the data, the network and the trainer, load the weights of a resumed run, and check that all of it fits."""
    seed_everything(plan.seed, workers=True, verbose=False)
    data = build_data(plan)
    model = build_network(plan, data)
    use_threads(model, data.batch_size)
    last, best, callbacks = build_callbacks(plan, folder)
    trainer = build_trainer(plan.trainer_arguments, callbacks, build_loggers(plan, folder))
    if is_first_rank():
        check_run(trainer, model, data, plan.patience)
    if plan.resume:
        load_weights(model, plan.resume.checkpoint, plan.resume.path)
        if is_first_rank():
            check_resume(trainer, model, plan.resume.checkpoint, plan.resume.path)
    elif plan.start:
        load_start(plan.start, model, data)
    return Run(plan, folder, data, model, last, best, trainer)


def train(run: Run) -> float:
    """Train the network, and return the seconds it took. Expected failures become a one-line ZooError."""
    if is_first_rank():
        prepare_folder(run)
        track_options(run)
    announce(run)
    path = last_checkpoint(run.folder)
    started = time.perf_counter()
    resume = run.plan.resume
    try:
        run.trainer.fit(run.model, run.data, ckpt_path=resume.path if resume else None, weights_only=True)
    except SystemExit:  # Lightning's way to end an interrupted run
        if not run.exact_resume.asked:
            raise
    except RuntimeError as error:
        if run.trainer.world_size == 1 or not is_lost_connection(error):
            raise
        raise ZooError("another process of the run has died; resume with --ckpt_path last") from None
    except (MisconfigurationException, ModuleNotFoundError) as error:  # of callbacks and loggers, when they set up
        if run.exact_resume.started:
            raise
        raise ZooError(one_line(error)) from None
    except OSError as error:
        if error.errno not in DISK_FULL or not path.exists():
            raise
        raise ZooError(
            f"{error.strerror}; {path} is unchanged. Free some space, and resume with {run.resume_command(path)}"
        ) from None
    run.trainer.profiler = PassThroughProfiler()  # type: ignore[attr-defined]  # the profile is of the training
    seconds = run.exact_resume.seconds + time.perf_counter() - started
    if is_first_rank():
        record_time(run, seconds)
    return seconds


def report(run: Run, seconds: float) -> int:
    """Evaluate the best checkpoint and print the report, or say how to resume. Return the exit code."""
    path = run.exact_resume.path or last_checkpoint(run.folder)  # the trainer has told the other ranks the path
    if run.exact_resume.asked and run.trainer.interrupted:
        report_interruption(run, path)
        return REQUEUE if run.exact_resume.asked == PREEMPTION else 128 + run.exact_resume.asked
    chosen = path.with_name(PureWindowsPath(run.best_checkpoint.best_model_path or path).name)  # with / or \
    if not chosen.exists() and path.exists():
        warn(f"{chosen} no longer exists, and no later epoch was better; reporting on {path.name} instead.")
        chosen = path
    try:
        report_run(run, chosen, seconds)
    except KeyboardInterrupt:
        report_unevaluated(run, path)
        return 128 + signal.SIGINT
    return 0
