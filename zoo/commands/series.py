"""Series of runs: ``zoo fit --seeds``, ``zoo fit --folds`` and ``zoo sweep``.

Each run is one of ``zoo fit``, in a folder of its own in that of the series. Whoever gives the same command takes part:
it trains the runs that have not ended and that no other process is training.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from zoo.commands.fit import build
from zoo.commands.grid import all_words, parse_count, plan_runs
from zoo.commands.options import parse_options
from zoo.commands.request import Request
from zoo.commands.series_work import Work, plan_run
from zoo.commands.space import check_search
from zoo.commands.worker import is_worker, run_side_by_side
from zoo.errors import ZooError
from zoo.support.console import command_line, echo
from zoo.training.plan import Plan
from zoo.training.series import Series, SubRun, describe, find_series, open_series


def run_series(request: Request) -> int:
    """Train what is left of a series of runs, and report on it once all have ended.

    Returns:
        The exit code: 0, 75 for a job that is to be requeued, or 128 and the signal that ended a run.
    """
    if request.wants_help:
        parse_options(replace(request, words=["--help"]))
    check_search(request)
    jobs = parse_count(request.jobs or "1", "--jobs", 1)
    request, resumes = _without_checkpoint(request)
    words, runs = plan_runs(request)
    fit = replace(request, command="fit", program=_fit_program(request), words=words)
    fit.search = fit.trials = fit.prune = None
    first = plan_run(fit, runs[0])
    if first.processes > 1:
        raise ZooError("each run of a series trains in one process; give --trainer.devices 1, and --jobs for several")
    sweeps = request.command == "sweep"
    if sweeps and not first.data_arguments["val_size"]:
        raise ZooError("zoo sweep chooses by the validation part; give --data.val_size a number above 0")
    description = describe(first.config, runs)
    if request.search:
        from zoo.commands.search import Search, describe_search  # Optuna is imported only when asked for

        description["search"] = describe_search(request)
    if not find_series(first.runs_folder, description):
        if resumes:
            raise ZooError(f"there is nothing of this command to resume in {first.runs_folder}; omit --ckpt_path")
        _try_out(fit, runs, first, opens_test=not sweeps)
    command = f"{request.program} {command_line(all_words(request))}"
    series = Series(open_series(first.runs_folder, description), command, runs)
    work = Work(series, fit, sweeps=sweeps, tests=first.test)
    if request.search:
        work = Search(series, fit, sweeps=True, tests=first.test, request=request, seed=first.seed, batch=jobs)
    try:
        if jobs > 1 and not is_worker() and (left := len(work.missing())):
            count = jobs if request.search else min(jobs, left)
            code = run_side_by_side(count, [request.program, request.command, *all_words(request)], work.tell)
            if code:
                return code
        return work.do()
    except KeyboardInterrupt:
        echo(f"\n{'go on':<12}{command}")
        raise


def _try_out(fit: Request, runs: Sequence[SubRun], first: Plan, opens_test: bool) -> None:
    """Build the first run of each combination of options, so that what is wrong is said before anything is written."""
    for combination in Series(first.runs_folder, "", runs).combinations():
        build(plan_run(fit, combination[0], opens_test), first.runs_folder)


def _without_checkpoint(request: Request) -> tuple[Request, bool]:
    """Return a request without ``--ckpt_path last``, and whether that was given. Raises ZooError for another value."""
    words, given = [], None
    waiting = iter(request.words)
    for word in waiting:
        option, equals, value = word.partition("=")
        if option == "--ckpt_path":
            given = value if equals else next(waiting, "")
        else:
            words.append(word)
    if given not in (None, "last"):
        raise ZooError(f"--ckpt_path is {given}, but a series of runs resumes from its own: give last, or nothing")
    return replace(request, words=words), given is not None


def _fit_program(request: Request) -> str:
    """Return the command that starts one run, such as ``zoo fit``."""
    return request.program.removesuffix(request.command) + "fit" if request.command == "sweep" else request.program
