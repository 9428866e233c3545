"""Stopping a run of a search early, because it does worse than those before it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.trainer.states import TrainerFn

from zoo.training.metrics_file import metrics_path, read_metrics


class Pruning(Callback):
    """Stops a run after a validation if a function says so, unless the run was about to end.

    What the run measured is read from its ``metrics.csv``, so that a resumed run is stopped where it would have been.

    Args:
        folder: The run folder.
        is_worse: Says of a run folder whether its run is to be stopped.

    Attributes:
        pruned: Whether the run was stopped.
    """

    def __init__(self, folder: Path, is_worse: Callable[[Path], bool]) -> None:
        self.folder, self.is_worse, self.pruned = folder, is_worse, False

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """See whether the run was stopped before: it may have been killed before its report."""
        if stage == "fit":
            self._decide(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the run if it is worse; the metrics of this validation have been written."""
        if trainer.state.fn == TrainerFn.FITTING and not trainer.sanity_checking:
            self._decide(trainer)
            trainer.should_stop |= self.pruned

    def _decide(self, trainer: Trainer) -> None:
        path = metrics_path(self.folder)
        rows = read_metrics(path) if path.exists() else []
        last = rows[-1] if rows else {}
        ends = not rows or last["epoch"] + 1 == trainer.max_epochs or last["step"] + 1 == trainer.max_steps
        self.pruned = not ends and self.is_worse(self.folder)
