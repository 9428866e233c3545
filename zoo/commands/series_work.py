"""What one process does for a series of runs: it trains those that have not ended, and that no other is training."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from lightning.pytorch import Callback

from zoo.callbacks.finite import DivergedError
from zoo.commands.fit import carry_out
from zoo.commands.grid import all_words, as_words
from zoo.commands.planning import make_plan
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.reports.series_report import best_first, measured, report_series
from zoo.support.console import command_line, echo, listed
from zoo.training.plan import Plan
from zoo.training.run_folder import LOCK_TIMEOUT, BusyError, claim_folder, last_checkpoint
from zoo.training.series import Series, SubRun
from zoo.training.trainer import as_list


@dataclass
class Work:
    """What one process does for a series.

    Attributes:
        series: The series.
        fit: The command of all its runs, without the options in which they differ.
        sweeps: Whether it is a sweep, whose runs leave the test set closed until the best is known.
        tests: Whether the test set is to be opened at all.
        failures: Why runs of a sweep could not be trained, by name.
        told: The runs whose end has been told.
    """

    series: Series
    fit: Request
    sweeps: bool
    tests: bool
    failures: dict[str, str] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)

    def do(self) -> int:
        """Train what is left and nobody else is training, report if that is all, and return the exit code."""
        code = self.train_all()
        others = self.missing()
        best = best_first(self.series)[0] if self.sweeps and not code and not others else []
        if failed := [run.name for run in best if run.name in self.failures]:
            raise ZooError(f"no combination of options could be trained; {failed[0]}: {self.failures[failed[0]]}")
        if best and self.tests:
            code = self.train(best, opens_test=True)
            others = [run.name for run in best if not self._tested(run)]
        if code:
            echo(f"\n{'go on':<12}{self.series.command}")
        elif others:
            echo(f"\nOther processes are training {listed(others)}. The last one reports, or this command again:")
            echo(self.series.command)
        else:
            report_series(self.series, self.failures, self._best_command(best[0]) if best else "")
        return code

    def train_all(self) -> int:
        """Train what is left and nobody else is training; return the exit code of the first that is stopped, or 0."""
        return self.train(self.series.runs, opens_test=self.tests and not self.sweeps)

    def callbacks_of(self, run: SubRun) -> list[Callback]:
        """Return the callbacks of a run beside those of any run."""
        return []

    @property
    def total(self) -> int:
        """The number of runs, at most."""
        return len(self.series.runs)

    def tell(self) -> None:
        """Tell which runs have ended since the last call."""
        for name in sorted(path.parent.name for path in self.series.folder.glob("*/results.json")):
            if name not in self.told and (results := self.series.results_of(SubRun(name, {}, ()))):
                self.told.add(name)
                echo(f"{name:<12}{measured(results)}", flush=True)

    def train(self, runs: Sequence[SubRun], opens_test: bool) -> int:
        """Train runs one after the other; return the exit code of the first that is stopped, or else 0."""
        busy = [run for run in runs if run.name not in self.failures]
        for patience in (0.0, LOCK_TIMEOUT):  # the workers of a run that was killed hold its lock for a while
            deadline = time.monotonic() + patience
            waiting, busy = busy, []
            for run in waiting:
                if self._has_ended(run, opens_test):
                    continue
                try:
                    code = self._train_one(run, opens_test, max(0.0, deadline - time.monotonic()))
                except BusyError:
                    busy.append(run)
                    continue
                except DivergedError as error:
                    if not self.sweeps:
                        raise ZooError(f"{run.name}: {error}") from None
                    self.failures[run.name] = str(error)
                    echo(f"zoo: {run.name}: {error}", file=sys.stderr)
                    continue
                if code:
                    return code
        return 0

    def _train_one(self, run: SubRun, opens_test: bool, patience: float) -> int:
        folder = self.series.folder_of(run)
        with claim_folder(self.series.folder, folder, patience) as claim:
            if self._has_ended(run, opens_test):  # another process has just done it
                return 0
            number = self.series.runs.index(run) + 1
            echo(f"\n{run.name} ({number} of {self.total})\n", flush=True)
            (folder / "results.json").unlink(missing_ok=True)  # without the test set, or damaged
            plan = plan_run(self.fit, run, opens_test, last_checkpoint(folder))
            theirs = as_list(plan.trainer_arguments["callbacks"])
            arguments = {**plan.trainer_arguments, "callbacks": [*theirs, *self.callbacks_of(run)]}
            command = _command(self.fit, run, opens_test)
            return carry_out(replace(plan, command=command, trainer_arguments=arguments), claim)

    def _best_command(self, run: SubRun) -> str:
        """Return the command that trains all runs of a combination, without the others."""
        fit = replace(self.fit, words=[*self.fit.words, *as_words(run.options)])
        return f"{fit.program} {command_line(all_words(fit))}"

    def _has_ended(self, run: SubRun, opens_test: bool) -> bool:
        return self._tested(run) if opens_test else self.series.results_of(run) is not None

    def _tested(self, run: SubRun) -> bool:
        results = self.series.results_of(run)
        return results is not None and results["metrics"].get("test") is not None

    def missing(self) -> list[str]:
        """Return the names of the runs that have not ended, and did not fail here."""
        names = [run.name for run in self.series.runs if self.series.results_of(run) is None]
        return [name for name in names if name not in self.failures]


def plan_run(fit: Request, run: SubRun, opens_test: bool = True, checkpoint: Path | None = None) -> Plan:
    """Return the plan of a run, which resumes from a checkpoint if there is one."""
    words = [*fit.words, *run.words]
    if checkpoint and checkpoint.exists():
        words += ["--ckpt_path", str(checkpoint), "--test", str(opens_test).lower()]
    elif not opens_test:
        words += ["--test", "false"]
    plan = make_plan(replace(fit, words=words))
    assert isinstance(plan, Plan)
    return plan


def _command(fit: Request, run: SubRun, opens_test: bool) -> str:
    """Return the command that starts a run by itself, in a folder of its own."""
    words = [*run.words, *([] if opens_test else ["--test", "false"])]
    return f"{fit.program} {command_line([*all_words(fit, series=False), *words])}"
