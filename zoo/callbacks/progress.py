"""Lightning's progress bar, at a cost that a small network does not notice."""

from __future__ import annotations

import sys
import time
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm
from lightning.pytorch.utilities.types import STEP_OUTPUT

from zoo.metrics_file import in_order
from zoo.text import say

SECONDS = 0.1


class ProgressBar(TQDMProgressBar):
    """Redraws the bars ten times a second instead of every step; in a log file, prints a line an epoch instead.

    Of epochs shorter than that, only some get a line.

    The bars of the closing evaluation vanish when they are done, so that the report stands alone.
    """

    # Not called in each step, where Lightning would spend 2 µs on each, see ExactResume.
    on_train_batch_start = on_before_backward = on_after_backward = on_before_zero_grad = None  # type: ignore[assignment]
    on_before_optimizer_step = None  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.live = sys.stdout.isatty()
        self.drawn = 0.0
        if not self.live:
            self.disable()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: STEP_OUTPUT, batch: Any, batch_idx: int
    ) -> None:
        """Redraw the bar, if it is time to."""
        if self.live and self._due(batch_idx + 1 == self.total_train_batches):
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
        if self.live and self._due():
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
        if self.live and self._due():
            super().on_test_batch_end(trainer, pl_module, outputs, batch, batch_idx, dataloader_idx)

    def on_train_epoch_start(self, trainer: Trainer, *_: Any) -> None:
        """Begin a bar, or print the line of the epoch before, whose metrics are all there only now."""
        super().on_train_epoch_start(trainer, *_)
        if not self.live and trainer.current_epoch > 0 and self._due():
            self._print_epoch(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Leave the last epoch's metrics standing."""
        self.train_progress_bar.set_postfix(self.get_metrics(trainer, pl_module))
        super().on_train_end(trainer, pl_module)
        if not self.live:
            self._print_epoch(trainer)

    def init_test_tqdm(self) -> Tqdm:
        """Return a bar that vanishes when it is done."""
        bar = super().init_test_tqdm()
        bar.leave = False
        return bar

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Return the metrics to show: those of train first, and without the logger's version."""
        metrics = super().get_metrics(trainer, pl_module)
        return {name: metrics[name] for name in in_order(metrics.keys() - {"v_num"})}

    def _due(self, last: bool = False) -> bool:
        now = time.monotonic()
        due = last or now - self.drawn >= SECONDS
        if due:
            self.drawn = now
        return due

    def _print_epoch(self, trainer: Trainer) -> None:
        if trainer.is_global_zero and trainer.callback_metrics:
            words = [f"{name} {trainer.callback_metrics[name]:.4f}" for name in in_order(trainer.callback_metrics)]
            say(f"epoch {trainer.current_epoch}/{trainer.max_epochs}:", ", ".join(words), flush=True)
