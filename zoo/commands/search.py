"""``zoo sweep --search optuna``: each combination of options is suggested by what those before it reached."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback

from zoo.commands.grid import parse_count, parse_trials, read_grid, runs_of
from zoo.commands.request import Request
from zoo.commands.series_work import Work
from zoo.commands.space import Range, parse_space
from zoo.errors import ZooError
from zoo.reports.series_report import score, validation_curve
from zoo.training.pruning import Pruning
from zoo.training.series import SubRun

try:
    import optuna
    from optuna.trial import Trial, TrialState, create_trial
except ImportError:
    raise ZooError('--search optuna requires Optuna: pip install "lightning-zoo[search]"') from None


def describe_search(request: Request) -> dict[str, Any]:
    """Return what decides which combinations a search tries, other than the options of its runs and their number."""
    return {
        "space": read_grid(request)[1],
        "batch": parse_count(request.jobs or "1", "--jobs", 1),
        "prunes": request.prune != "false",
        "optuna": optuna.__version__,  # another one may suggest other values
    }


@dataclass(kw_only=True)
class Search(Work):
    """What one process does for a search: it trains the runs of the trials, in their order.

    Trials are suggested in batches, each from the results of the batches before, told in order: it makes no difference
    which run ends first. Whoever begins a search or goes on with it suggests all trials again, and so comes to the same
    ones, as long as nothing but the files of runs that have ended decides.

    Attributes:
        request: The command.
        seed: Seeds the suggestions.
        batch: The number of trials in a batch.
        suggested: The runs of the trials up to now; trials that are equal have them in common.
        asked: The trials of the current batch, with their runs.
    """

    request: Request
    seed: int
    batch: int
    suggested: list[SubRun] = field(default_factory=list)
    asked: list[tuple[Trial, Sequence[SubRun]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin a study without trials."""
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.series = replace(self.series, runs=self.suggested)
        self.space = parse_space(read_grid(self.request)[1])
        self.trials = parse_trials(self.request)
        self.prunes = self.request.prune != "false" and self.total == self.trials
        self.study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=self.seed))

    @property
    def total(self) -> int:
        """The number of runs, at most: trials that are equal have theirs in common."""
        return self.trials * len(runs_of(self.request, {}))

    def train_all(self) -> int:
        """Train batch after batch; where another process trains a run of one, wait for it."""
        while left := self._left():
            if code := self.train(left, opens_test=False):
                return code
        return 0

    def missing(self) -> list[str]:
        """Return the names of the runs of the current batch that have not ended, and did not fail here."""
        return [run.name for run in self._left()]

    def callbacks_of(self, run: SubRun) -> list[Callback]:
        """Return what stops a run that is worse than the median of those before at the same validation."""
        trying = bool(self.asked)  # else it is the best, to be tested
        return [Pruning(self.series.folder_of(run), self._is_worse)] if self.prunes and trying else []

    def _left(self) -> list[SubRun]:
        """Return the runs that are left of the current batch, or of the next one if that has ended; none at the end."""
        while True:
            if missing := super().missing():
                return [run for run in self.suggested if run.name in missing]
            for trial, runs in self.asked:
                self._tell(trial, runs)
            left_over = self.trials - len(self.study.trials)
            self.asked = [self._ask() for _ in range(min(self.batch, left_over))]
            if not self.asked:
                return []

    def _ask(self) -> tuple[Trial, Sequence[SubRun]]:
        trial = self.study.ask()
        options = {}
        for name, values in self.space.items():
            if not isinstance(values, Range):
                options[name] = trial.suggest_categorical(name, values)
            elif values.whole:
                options[name] = values.text_of(
                    trial.suggest_int(name, int(values.low), int(values.high), log=values.log)
                )
            else:
                ends = float(values.low), float(values.high)
                options[name] = values.text_of(trial.suggest_float(name, *ends, log=values.log))
        for runs in self.series.combinations():
            if runs[0].options == options:
                return trial, runs
        runs = runs_of(self.request, options, trial.number + 1)
        self.suggested += runs
        return trial, runs

    def _tell(self, trial: Trial, runs: Sequence[SubRun]) -> None:
        """Tell the result of a trial. One that has none counts as the worst of those that were stopped early."""
        found = score(self.series, runs)
        if found and self.prunes:
            for step, value in enumerate(validation_curve(self.series.folder_of(runs[0]))):
                trial.report(value, step)
        if found and math.isfinite(found[0]) and not any(map(self.series.was_pruned, runs)):
            self.study.tell(trial, found[0])
        else:
            self.study.tell(trial, state=TrialState.PRUNED)

    def _is_worse(self, folder: Path) -> bool:
        measured = dict(enumerate(validation_curve(folder)))
        running = create_trial(state=TrialState.RUNNING, intermediate_values=measured)
        return optuna.pruners.MedianPruner().prune(self.study, running)
