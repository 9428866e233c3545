"""``last.ckpt``: as far as the run got, also after Ctrl-C."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from types import FrameType
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint

SECONDS = 2.0
"""Between two checkpoints, at least."""


class LastCheckpoint(Checkpoint):
    """Saves ``last.ckpt`` at the end of epochs, and on SIGINT or SIGTERM at the end of the batch, which ends the fit.

    Of epochs that take next to nothing only the last one and one every few seconds are saved.

    Lightning's own ``save_last`` saves only when the best checkpoint is saved. The handler of the signal only sets a
    flag, since a signal can arrive in the middle of an update; all ranks agree on it. A second signal ends at once.

    Attributes:
        path: File to save to; set it on the first rank before the fit.
        asked: The number of the signal that asked to stop, 0 while none did.
    """

    def __init__(self) -> None:
        self.path = Path("last.ckpt")
        self.saved = 0.0
        self.asked = 0
        self.previous: dict[int, Any] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the other ranks the path."""
        self.path = trainer.strategy.broadcast(self.path)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take the signals over."""
        for number in (signal.SIGINT, signal.SIGTERM):
            self.previous[number] = signal.signal(number, self._ask)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Save and stop, if asked to; after an epoch's last batch its validation comes first."""
        if self._all_asked(trainer) and not trainer.fit_loop.epoch_loop.batch_progress.is_last_batch:
            self._save(trainer)
            raise KeyboardInterrupt

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save, if it is time to; and stop, if asked to during the validation."""
        asked = self._all_asked(trainer)
        last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        last |= trainer.global_step == trainer.max_steps
        if asked or last or trainer.strategy.broadcast(time.monotonic() - self.saved > SECONDS):
            self._save(trainer)
        if asked:
            raise KeyboardInterrupt

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Give the signals back."""
        self._give_back()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the signals back."""
        self._give_back()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = number
        self._give_back()

    def _give_back(self) -> None:
        while self.previous:
            signal.signal(*self.previous.popitem())

    def _all_asked(self, trainer: Trainer) -> bool:
        if trainer.world_size == 1:
            return self.asked > 0
        return trainer.strategy.reduce_boolean_decision(self.asked > 0, all=False)

    def _save(self, trainer: Trainer) -> None:
        if not trainer.fast_dev_run:  # type: ignore[attr-defined]  # Lightning sets it unannounced
            trainer.save_checkpoint(self.path)
            self.saved = time.monotonic()
