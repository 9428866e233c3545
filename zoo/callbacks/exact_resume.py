"""A run that can be killed anywhere, and resumed to the very weights that it would have had."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterable
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import (
    BaseFinetuning,
    BatchSizeFinder,
    Checkpoint,
    GradientAccumulationScheduler,
    LearningRateFinder,
    ModelPruning,
    SpikeDetection,
    StochasticWeightAveraging,
)
from torch.nn import Parameter
from torch.optim import Optimizer

from zoo.callbacks.finite import check_gradients, check_loss
from zoo.checkpoints.writing import SafeCheckpointIO, remove_leftovers
from zoo.errors import ZooError
from zoo.internals.lightning import (
    begin_next_epoch,
    callbacks_of,
    can_be_resumed_here,
    move_into_epoch,
    was_cut_short,
    without_hooks,
)
from zoo.launch.launchers import in_slurm
from zoo.launch.signals import PREEMPTION, received

SECONDS_APART = 2.0
"""Between the checkpoints of epochs, at least: of epochs that take next to nothing not each is saved."""

NOT_EXACT: dict[type[Callback], str] = {
    StochasticWeightAveraging: "average with WeightAveraging or EMAWeightAveraging",
    BaseFinetuning: "freeze layers in a network of your own instead",
    ModelPruning: "prune the trained network instead",
    LearningRateFinder: "find the rate beforehand, by Tuner.lr_find, and give it as --model.lr",
    SpikeDetection: "see train/loss in metrics.csv, and lower the rate",
    BatchSizeFinder: "find the size beforehand, by Tuner.scale_batch_size, and give it as --data.batch_size",
}
"""Callbacks of Lightning's with which a run ends with other weights once it was resumed, and what to do instead."""

SECONDS_AT_MOST = 300.0
"""Between two checkpoints, at most, where steps are not counted."""


@without_hooks("on_train_batch_start", "on_before_backward", "on_after_backward", "on_before_zero_grad")
class ExactResume(Checkpoint):
    """Keeps ``last.ckpt`` such that a run resumed from it ends with the weights of a run that was never interrupted.

    It needs the data module to be one of the zoo's: its loaders know their place in an epoch, and seed each batch, so
    that neither the order of examples nor dropout depends on what was drawn before. The part of this callback is:

    - checkpoints at moments from which Lightning can really go on, and written such that a crash leaves the one before;
    - the end of the run, at the end of a batch, on SIGINT or SIGTERM, or SIGUSR1 in a job of SLURM, with a checkpoint;
      all ranks agree on it. A second signal ends at once;
    - the end of the run at the first loss or gradient that is not finite, before such a gradient reaches the weights.

    Lightning's own ``save_last`` saves only when the best checkpoint is saved. Put this one after other checkpoint
    callbacks, so that it saves their state too.

    Args:
        path: File to save to; set it on the first rank before the fit. None to save nothing.
        every_n_steps: Optimizer steps between two checkpoints. Default: each epoch, of short ones one
            every two seconds, and at least every five minutes.
        allow_nan: Whether to go on with a loss or gradient that is not finite.
        length: What says how long the run is. A run that was about to stop goes on if it is resumed with another one.

    Attributes:
        stop_signal: The number of the signal that asked to stop, 0 while none did.
        started: Whether the training has begun.
        seconds: What the run took before it was resumed, to its checkpoint.

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
        self.stop_signal, self.started = 0, False
        self.length, self.seconds, self.start_time = length, 0.0, 0.0
        self.last_save_step, self.last_save_time = 0, 0.0
        self.epoch_metrics: dict[str, float] = {}
        self.checked_parameters: list[Parameter] = []
        self.ranks = 1
        self.previous_handlers: dict[int, Any] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Tell the other ranks the path, see to it that checkpoints are written safely, and sweep up after a crash."""
        self.start_time = time.monotonic()
        self.path = trainer.strategy.broadcast(self.path)
        if not isinstance(trainer.strategy.checkpoint_io, SafeCheckpointIO):
            trainer.strategy.checkpoint_io = SafeCheckpointIO()
        if stage != "fit":
            return
        check_callbacks(callbacks_of(trainer))
        # Before the weights are loaded, which Lightning does in single precision, and so rounds them.
        trainer.precision_plugin.convert_module(pl_module)
        if self.path and trainer.is_global_zero:
            remove_leftovers(self.path.parent)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin to count steps and seconds, and take the signals over.

        Not earlier, since Lightning would put its own handler of SIGTERM before ours: it speaks to the other ranks at
        once, wherever they are, and hangs if only one of them was told.
        """
        self.started = True
        begin_next_epoch(trainer)
        self.last_save_step, self.last_save_time = trainer.global_step, time.monotonic()
        self.ranks = trainer.world_size
        for callback in callbacks_of(trainer):
            if isinstance(callback, GradientAccumulationScheduler):  # which is not called amid an epoch
                callback.on_train_epoch_start(trainer)
        has_scaler = getattr(trainer.precision_plugin, "scaler", None) is not None  # then that step is left out
        self.checked_parameters = [] if self.allow_nan or has_scaler else list(pl_module.parameters())
        self.stop_signal = received()
        for number in (signal.SIGINT, signal.SIGTERM, *([PREEMPTION] if in_slurm() else [])):
            self.previous_handlers[number] = signal.signal(number, self._on_signal)

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Raise ZooError, before the update, if a gradient is not finite."""
        if self.checked_parameters:
            check_gradients(trainer, pl_module, self.checked_parameters)

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss; save, if it is time to; and stop, if asked to.

        What comes before a validation, or amid the batches of one step, is left to the next batch.
        """
        if not self.allow_nan and outputs:
            check_loss(trainer, outputs["loss"])
        due = trainer.global_step - self.last_save_step >= self.every_n_steps if self.every_n_steps else self._overdue()
        if not self._any_rank(trainer, self.stop_signal > 0 or due) or not can_be_resumed_here(trainer):
            return
        stop = self._stop_requested(trainer)
        self._save(trainer)
        if stop:
            raise KeyboardInterrupt

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save, if it is time to; and stop, if asked to during the validation."""
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
        """Give the signals back."""
        self._restore_handlers()

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the signals back."""
        self._restore_handlers()

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Add what Lightning forgets: that the run is to stop, its time, and metrics that no logger has yet."""
        stopped_at = self.length if trainer.should_stop else None
        seconds = self.seconds + time.monotonic() - self.start_time
        cut_short = was_cut_short(trainer)
        if cut_short:
            move_into_epoch(checkpoint["loops"]["fit_loop"])
        checkpoint["exact_resume"] = {
            "stopped_at": stopped_at,
            "epoch_metrics": self.epoch_metrics,
            "seconds": seconds,
            "cut_short": cut_short,
        }

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Stop at once if the run was about to, unless it is to be of another length."""
        saved = checkpoint.get("exact_resume", {})
        trainer.should_stop, self.seconds = saved.get("stopped_at") == self.length, saved.get("seconds", 0.0)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self.stop_signal = number
        self._restore_handlers()

    def _restore_handlers(self) -> None:
        while self.previous_handlers:
            signal.signal(*self.previous_handlers.popitem())

    def _stop_requested(self, trainer: Trainer) -> bool:
        if not self._any_rank(trainer, self.stop_signal > 0):
            return False
        if self.ranks > 1:  # not each was asked itself
            self.stop_signal = int(trainer.strategy.reduce(torch.tensor(self.stop_signal), reduce_op="max"))
        return True

    def _overdue(self) -> bool:
        return time.monotonic() - self.last_save_time > SECONDS_AT_MOST

    def _any_rank(self, trainer: Trainer, here: bool) -> bool:
        if self.ranks == 1:
            return here
        return trainer.strategy.reduce_boolean_decision(here, all=False)

    def _save(self, trainer: Trainer) -> None:
        if self.path and not trainer.fast_dev_run:  # type: ignore[attr-defined]  # Lightning sets it unannounced
            trainer.save_checkpoint(self.path)
            self.last_save_step, self.last_save_time = trainer.global_step, time.monotonic()


def check_callbacks(callbacks: Iterable[Callback]) -> None:
    """Raise ZooError for a callback of Lightning's with which a resumed run would not be the run."""
    for callback in callbacks:
        for cls, instead in NOT_EXACT.items():
            if isinstance(callback, cls):
                raise ZooError(f"{type(callback).__name__} cannot be resumed to the same weights; {instead}")
