"""``last.ckpt``: always as far as the run got, also after Ctrl-C."""

from __future__ import annotations

import signal
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint


class LastCheckpoint(Checkpoint):
    """Saves ``last.ckpt`` at the end of every epoch, and on Ctrl-C at the end of the batch, which then stops the fit.

    Lightning's own ``save_last`` saves only when the best checkpoint is saved. The handler of the signal only sets a
    flag, since a signal can arrive in the middle of an update; all ranks agree on it. A second Ctrl-C stops at once.

    Attributes:
        path: File to save to; set it before the fit.
    """

    def __init__(self) -> None:
        self.path = Path("last.ckpt")
        self.asked = False
        self.previous: Any = None

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signal over."""
        self.previous = signal.signal(signal.SIGINT, self._ask)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save and stop, if asked to."""
        if self._all_asked(trainer):
            self._save(trainer)
            raise KeyboardInterrupt

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save; and stop, if asked to during the validation."""
        self._save(trainer)
        if self._all_asked(trainer):
            raise KeyboardInterrupt

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the signal back."""
        if stage == "fit":
            signal.signal(signal.SIGINT, self.previous)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.signal(signal.SIGINT, self.previous)

    def _all_asked(self, trainer: Trainer) -> bool:
        if trainer.world_size == 1:
            return self.asked
        return trainer.strategy.reduce_boolean_decision(self.asked, all=False)

    def _save(self, trainer: Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]  # Lightning sets it unannounced
            trainer.save_checkpoint(self.path)
