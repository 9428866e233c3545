"""Lightning: its loop over the batches of an epoch, with several steps in each of its turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loops.fetchers import _DataFetcher
from lightning.pytorch.loops.optimization.automatic import _AutomaticOptimization
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from lightning.pytorch.loops.utilities import _block_parallel_sync_behavior
from lightning.pytorch.plugins.precision import Precision
from torch import Tensor
from torch.optim import Optimizer

from zoo.internals.lightning import callbacks_of
from zoo.internals.torch import bare_step

SECONDS = 0.03
"""Approximate duration of a turn: so late a signal is noticed, and a progress bar drawn."""

MOST_STEPS = 1000
"""Largest number of steps in a turn."""


class StepObserver(Protocol):
    """A callback that sees every step, also those that Lightning's loop does not."""

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Look at the gradients, as Lightning's hook."""

    def on_quick_step_end(self, trainer: Trainer, loss: Tensor) -> None:
        """Look at the loss of a step."""

    def steps_until_due(self, trainer: Trainer) -> int | None:
        """Return the number of steps after which the callback must get its turn; None if it can wait."""


class QuickSteps(_AutomaticOptimization):
    """Lightning's optimization, and the same operations in the same order without what is called in between."""

    def prepare(self, observers: Sequence[StepObserver]) -> None:
        """Look up what each step of an epoch needs."""
        trainer = self.trainer
        self.observers = observers
        self.optimizer: Optimizer = trainer.optimizers[0]
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.update = bare_step(self.optimizer)
        self.accumulated = trainer.accumulate_grad_batches
        self.clips = trainer.gradient_clip_val is not None
        # Neither autocast, nor another precision, nor a wrapper such as DDP.
        self.is_plain = (
            type(trainer.precision_plugin) is Precision and trainer.strategy.model is trainer.lightning_module
        )

    def step(self, batch: Any, batch_idx: int) -> Tensor:
        """Train on a batch, and return its loss."""
        trainer, module, strategy = self.trainer, self.trainer.lightning_module, self.trainer.strategy
        accumulates = self.accumulated > 1 and trainer.fit_loop.epoch_loop._should_accumulate()
        with _block_parallel_sync_behavior(strategy, block=True) if accumulates else nullcontext():
            loss: Tensor = (module if self.is_plain else strategy).training_step(batch, batch_idx)  # type: ignore[assignment]
            if batch_idx % self.accumulated == 0:
                for parameter in self.parameters:
                    parameter.grad = None
                _count(self.optim_progress.optimizer.zero_grad)
            minimized = loss / self.accumulated if self.accumulated > 1 else loss
            if self.is_plain:
                minimized.backward()
            else:
                strategy.backward(minimized, self.optimizer)
        if not accumulates:
            self.optim_progress.optimizer.step.increment_ready()
            for observer in self.observers:
                observer.on_before_optimizer_step(trainer, module, self.optimizer)
            if self.clips:
                module.configure_gradient_clipping(
                    self.optimizer, trainer.gradient_clip_val, trainer.gradient_clip_algorithm
                )
            self.update()
            self.optim_progress.optimizer.step.increment_completed()
        return loss.detach()


class QuickEpochLoop(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, of which it runs the last one of each turn.

    Args:
        trainer: The trainer, whose own loop it replaces.
        why_not: Returns why each step must be one of Lightning's; None if several can go together. Called before each
            epoch.
        steps: Batches in a turn. Default: as many as take about ``SECONDS``.
    """

    def __init__(self, trainer: Trainer, why_not: Callable[[Trainer], str | None], steps: int | None = None) -> None:
        before = trainer.fit_loop.epoch_loop
        super().__init__(trainer, before.min_steps, before.max_steps)
        self.val_loop = before.val_loop  # which knows the data already
        self.automatic_optimization: QuickSteps = QuickSteps(trainer)
        self.why_not, self.fixed_steps, self.steps = why_not, steps, steps or 1
        self.reason: str | None = None

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Find out, before an epoch, whether several steps can go together."""
        super().on_run_start(data_fetcher)
        self.reason = self.why_not(self.trainer)
        if self.reason:
            return
        trainer = self.trainer
        observers = [callback for callback in callbacks_of(trainer) if hasattr(callback, "on_quick_step_end")]
        self.automatic_optimization.prepare(observers)  # type: ignore[arg-type]
        self.by_step = any(config.interval == "step" for config in trainer.lr_scheduler_configs)
        data = getattr(trainer, "datamodule", None)
        assert isinstance(data, LightningDataModule)
        self.data = data
        self.on_cpu = trainer.strategy.root_device.type == "cpu"

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Run the steps of a turn, and the last one as Lightning does."""
        if self.reason or self.restarting:
            super().advance(data_fetcher)
            return
        steps, started = min(self.steps, self.steps_until_due()), time.perf_counter()
        for _ in range(steps - 1):
            self.quick_step(data_fetcher)
        super().advance(data_fetcher)
        if not self.fixed_steps:
            wanted = int(SECONDS * steps / (time.perf_counter() - started))
            self.steps = min(max(1, wanted), 2 * self.steps, MOST_STEPS)
            if self.trainer.world_size > 1:
                self.steps = self.trainer.strategy.broadcast(self.steps)

    def quick_step(self, data_fetcher: _DataFetcher) -> None:
        """Train on the next batch, without what Lightning calls around a step."""
        trainer, optimization, progress = self.trainer, self.automatic_optimization, self.batch_progress
        module = trainer.lightning_module
        batch, _, _ = next(data_fetcher)
        if optimization.is_plain and self.on_cpu:
            batch = self.data.on_after_batch_transfer(batch, 0)
        else:
            batch = trainer.precision_plugin.convert_input(batch)
            batch = trainer.strategy.batch_to_device(batch, dataloader_idx=0)
        batch_idx = progress.current.ready
        progress.increment_ready()
        progress.increment_started()
        module.on_train_batch_start(batch, batch_idx)
        loss = optimization.step(batch, batch_idx)
        progress.increment_processed()
        if self.by_step:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
        for observer in optimization.observers:
            observer.on_quick_step_end(trainer, loss)
        progress.increment_completed()
        if not self._should_accumulate():
            self._batches_that_stepped += 1

    def steps_until_due(self) -> int:
        """Return the number of batches up to the next one after which something is due that counts batches."""
        trainer, ready = self.trainer, self.batch_progress.current.ready
        left = [int(trainer.num_training_batches) - ready]
        if self.max_steps > -1:
            left.append(self.max_steps - self.global_step)
        if isinstance(trainer.val_check_batch, int):
            done = self.batch_progress.total.ready if trainer.check_val_every_n_epoch is None else ready
            left.append(trainer.val_check_batch - done % trainer.val_check_batch)
        for callback in callbacks_of(trainer):
            every = callback._every_n_train_steps if isinstance(callback, ModelCheckpoint) else 0
            if every:
                left.append(every - self.global_step % every)
        left += [due for o in self.automatic_optimization.observers if (due := o.steps_until_due(trainer)) is not None]
        return max(1, min(left))


def _count(progress: Any) -> None:
    progress.increment_ready()
    progress.increment_started()
    progress.increment_completed()
