"""When ``last.ckpt`` is saved, so that a run can be killed at any time and resumed to the same final weights."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from zoo.callbacks.finite import check_gradients, check_loss
from zoo.callbacks.resumability import check_callbacks, set_accumulation
from zoo.callbacks.stop_signals import StopSignals
from zoo.checkpoints.writing import SafeCheckpointIO, remove_leftovers
from zoo.internals.lightning import (
    begin_next_epoch,
    callbacks_of,
    can_be_resumed_here,
    move_into_epoch,
    was_cut_short,
    without_hooks,
)

SECONDS_APART = 2.0
"""Smallest time between checkpoints at the end of epochs."""

SECONDS_AT_MOST = 300.0
"""Largest time between checkpoints, unless ``every_n_steps`` is set."""


@without_hooks("on_train_batch_start", "on_before_backward", "on_after_backward", "on_before_zero_grad")
class ExactResume(Checkpoint):
    """Keeps ``last.ckpt`` such that a run resumed from it ends with the same weights as an uninterrupted run.

    It requires a data module of the zoo, whose loaders save their position in an epoch and seed each batch. It

    - saves checkpoints from which Lightning can resume without loss, and writes them atomically;
    - on SIGINT, SIGTERM or, in a SLURM job, SIGUSR1, saves a checkpoint after a batch, on which all ranks agree, and
      stops. A second signal stops the run at once;
    - stops the run at the first loss or gradient that is not finite, before the gradient changes the weights.

    Place it after other checkpoint callbacks, so that their state is saved too.

    Args:
        path: File to save to, used from the first rank. None to save nothing.
        every_n_steps: Optimizer steps between checkpoints within an epoch; by default, they are five minutes apart. In
            addition, one is saved at the end of each epoch, but not more often than every two seconds.
        allow_nan: Whether to continue if a loss or a gradient is not finite.
        length: Describes the length of the run. One that was about to stop continues if resumed with another length.

    Attributes:
        started: Whether training has begun.
        seconds: Duration of the run up to the checkpoint that it was resumed from.

    Raises:
        ZooError: A loss or a gradient is not finite.
    """

    def __init__(
        self,
        path: str | Path | None = "last.ckpt",
        every_n_steps: int | None = None,
        allow_nan: bool = False,
        length: str = "",
    ) -> None:
        self.path = Path(path) if path else None
        self.every_n_steps, self.allow_nan = every_n_steps, allow_nan
        self.signals, self.started = StopSignals(), False
        self.length, self.seconds, self.start_time = length, 0.0, 0.0
        self.last_save_step, self.last_save_time = 0, 0.0
        self.epoch_metrics: dict[str, float] = {}
        self.checked_parameters: list[Parameter] = []
        self.ranks = 1

    @property
    def asked(self) -> int:
        """Number of the signal that asked the run to stop, 0 if none did."""
        return self.signals.received

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Share the path with the other ranks, use atomic checkpoints, and remove leftovers of a crash."""
        self.start_time = time.monotonic()
        self.path = trainer.strategy.broadcast(self.path)
        if not isinstance(trainer.strategy.checkpoint_io, SafeCheckpointIO):
            trainer.strategy.checkpoint_io = SafeCheckpointIO()
        if stage != "fit":
            return
        check_callbacks(callbacks_of(trainer))
        # Before the weights are loaded, which Lightning would round to single precision.
        trainer.precision_plugin.convert_module(pl_module)
        if self.path and trainer.is_global_zero:
            remove_leftovers(self.path.parent, self.path.name)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start counting steps and seconds, and catch the stop signals.

        Not earlier, since Lightning would install its own handler of SIGTERM before this one. It communicates with the
        other ranks at once, wherever they are, and hangs if only one of them got the signal.
        """
        self.started = True
        begin_next_epoch(trainer)
        self.last_save_step, self.last_save_time = trainer.global_step, time.monotonic()
        self.ranks = trainer.world_size
        set_accumulation(trainer)
        has_scaler = getattr(trainer.precision_plugin, "scaler", None) is not None  # which skips such a step
        self.checked_parameters = [] if self.allow_nan or has_scaler else list(pl_module.parameters())
        self.signals.catch()

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Raise ZooError, before the update, if a gradient is not finite."""
        if self.checked_parameters:
            check_gradients(trainer, pl_module, self.checked_parameters)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Check the loss, save a checkpoint if it is due, and stop if requested.

        Before a validation, and between the batches of an accumulated step, this waits for the next batch.
        """
        if outputs:
            self.on_quick_step_end(trainer, outputs["loss"])
        steps = self.steps_until_due(trainer)
        due = steps <= 0 if steps is not None else time.monotonic() - self.last_save_time > SECONDS_AT_MOST
        if not self._any_rank(trainer, self.signals.received > 0 or due) or not can_be_resumed_here(trainer):
            return
        stop = self._stop_requested(trainer)
        self._save(trainer)
        if stop:
            raise KeyboardInterrupt

    def on_quick_step_end(self, trainer: Trainer, loss: Tensor) -> None:
        """Check the loss of a step that Lightning's loop does not see."""
        if not self.allow_nan:
            check_loss(trainer, loss)

    def steps_until_due(self, trainer: Trainer) -> int | None:
        """Return the number of optimizer steps to the next checkpoint; None if time decides."""
        return self.last_save_step + self.every_n_steps - trainer.global_step if self.every_n_steps else None

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save a checkpoint if it is due, and stop if requested during the validation."""
        stop = self._stop_requested(trainer)
        self.epoch_metrics = {k: float(v) for k, v in trainer.callback_metrics.items() if k.startswith("train/")}
        last = trainer.should_stop or trainer.current_epoch + 1 == trainer.max_epochs
        last |= trainer.global_step == trainer.max_steps
        if stop or last or self._any_rank(trainer, time.monotonic() - self.last_save_time > SECONDS_APART):
            self._save(trainer)
        self.epoch_metrics = {}
        if stop:
            raise KeyboardInterrupt

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Restore the signal handlers."""
        self.signals.release()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Restore the signal handlers."""
        self.signals.release()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Save what Lightning does not: whether the run is stopping, its duration, and metrics not yet logged."""
        cut_short, data = was_cut_short(trainer), getattr(trainer, "datamodule", None)
        if cut_short:
            move_into_epoch(checkpoint["loops"]["fit_loop"])
        checkpoint["exact_resume"] = {
            "stopped_at": self.length if trainer.should_stop else None,
            "epoch_metrics": self.epoch_metrics,
            "seconds": self.seconds + time.monotonic() - self.start_time,
            "cut_short": cut_short,
            "sizes": getattr(data, "sizes", {}),
            "checksum": getattr(data, "checksum", ""),
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Stop if the saved run was about to, unless its length has changed."""
        saved = checkpoint.get("exact_resume", {})
        trainer.should_stop, self.seconds = saved.get("stopped_at") == self.length, saved.get("seconds", 0.0)

    def _stop_requested(self, trainer: Trainer) -> bool:
        if not self._any_rank(trainer, self.signals.received > 0):
            return False
        if self.ranks > 1:  # not all may have received the signal
            self.signals.received = int(trainer.strategy.reduce(torch.tensor(self.signals.received), reduce_op="max"))
        return True

    def _any_rank(self, trainer: Trainer, here: bool) -> bool:
        if self.ranks == 1:
            return here
        return trainer.strategy.reduce_boolean_decision(here, all=False)

    def _save(self, trainer: Trainer) -> None:
        if self.path and not trainer.fast_dev_run:  # type: ignore[attr-defined]  # Lightning does not declare it
            trainer.save_checkpoint(self.path)
            self.last_save_step, self.last_save_time = trainer.global_step, time.monotonic()
