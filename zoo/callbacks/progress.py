"""A progress bar that is cheap enough for small networks, and a line per epoch."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm
from lightning.pytorch.utilities.types import STEP_OUTPUT

from zoo.internals.lightning import without_hooks
from zoo.support.console import echo
from zoo.support.tables import format_number, sort_metrics

SECONDS = 0.1
"""Between two redraws of a bar."""

LINES = 30
"""Approximate number of lines per run."""

SECONDS_A_LINE = 10.0
"""Smallest time between two lines if the number of epochs is not known."""


@without_hooks(
    "on_train_batch_start", "on_before_backward", "on_after_backward", "on_before_zero_grad", "on_before_optimizer_step"
)
class ProgressBar(TQDMProgressBar):
    """Redraws the bars ten times a second instead of in each step, and prints a line with the metrics of an epoch.

    In a log file there are only the lines. With many epochs, only some have a line. Finished bars are removed.
    """

    def __init__(self) -> None:
        super().__init__()
        self.live = sys.stdout.isatty()
        self.last_draw = self.last_line = 0.0
        if not self.live:
            self.disable()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        """Redraw the bar, if it is time to."""
        if self.live and self._redraw_due(batch_idx + 1 == self.total_train_batches):
            super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: STEP_OUTPUT,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Redraw the bar, if it is time to."""
        if self.live and self._redraw_due():
            super().on_validation_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: STEP_OUTPUT,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Redraw the bar, if it is time to."""
        if self.live and self._redraw_due():
            super().on_test_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        """Begin a bar, and print the line of the previous epoch, whose metrics are complete only now."""
        if self._line_due(trainer):
            self._print_epoch(trainer)
        super().on_train_epoch_start(trainer, *_)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print the line of the last epoch."""
        self._print_epoch(trainer)
        super().on_train_end(trainer, pl_module)

    def init_train_tqdm(self) -> Tqdm:
        """Return a bar that is removed when it is finished."""
        return _leave_no_trace(super().init_train_tqdm())

    def init_test_tqdm(self) -> Tqdm:
        """Return a bar that is removed when it is finished."""
        return _leave_no_trace(super().init_test_tqdm())

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return the one metric that fits next to a bar in a narrow terminal."""
        metrics = super().get_metrics(trainer, pl_module)
        shown = next((name for name in ("val/loss", "train/loss") if name in metrics), None)
        return {shown: metrics[shown]} if shown else {}

    def _redraw_due(self, last: bool = False) -> bool:
        now = time.monotonic()
        due = last or now - self.last_draw >= SECONDS
        if due:
            self.last_draw = now
        return due

    def _line_due(self, trainer: Trainer) -> bool:
        done, epochs = trainer.current_epoch, trainer.max_epochs
        if done == 0:
            return False
        if epochs in (None, -1):
            return time.monotonic() - self.last_line >= SECONDS_A_LINE
        validated = trainer.check_val_every_n_epoch or 1  # only epochs with a validation have a line
        return done % (math.ceil(epochs / LINES / validated) * validated) == 0

    def _print_epoch(self, trainer: Trainer) -> None:
        if not trainer.is_global_zero or not trainer.callback_metrics:
            return
        self.last_line = time.monotonic()
        parts: dict[str, list[str]] = {}
        for name in sort_metrics(trainer.callback_metrics):
            split, _, metric = name.rpartition("/")
            parts.setdefault(split, []).append(f"{metric} {format_number(trainer.callback_metrics[name].item())}")
        words = [f"{split} {', '.join(metrics)}".strip() for split, metrics in parts.items()]
        limit = "" if trainer.max_epochs in (None, -1) else f"/{trainer.max_epochs}"
        line = f"epoch {trainer.current_epoch}{limit}: {'; '.join(words)}"
        if self.live:
            self.print(line)  # above the bar
        else:
            echo(line, flush=True)


def _leave_no_trace(bar: Tqdm) -> Tqdm:
    bar.leave = False
    return bar
