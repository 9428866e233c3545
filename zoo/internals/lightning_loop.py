"""Lightning: its loop over the batches of an epoch, with several steps in each of its turns."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loops.fetchers import _DataFetcher
from lightning.pytorch.loops.training_epoch_loop import _TrainingEpochLoop
from torch import Tensor

from zoo.internals.lightning import callbacks_of, data_of
from zoo.internals.lightning_step import QuickSteps, add
from zoo.internals.torch_fused import Done

SECONDS = 0.1
"""Approximate duration of a turn: so late a signal is noticed, and a progress bar drawn."""

LOGS = "the network logs in its steps"
"""A reason that shows in the first step only: Lightning's own loop alone lets ``log`` be called there."""

MOST_STEPS = 1000
"""Largest number of steps in a turn."""


class QuickEpochLoop(_TrainingEpochLoop):
    """Lightning's loop over the batches of an epoch, of which it runs the last one of each turn.

    Args:
        trainer: The trainer, whose own loop it replaces.
        why_not: Returns why each step must be one of Lightning's; None if several can go together. Called before each
            epoch.
        steps: Batches in a turn. Default: as many as take about ``SECONDS``.
        steps_per_execution: Optimizer steps of a compiled graph; 0 to compile none.
    """

    def __init__(
        self,
        trainer: Trainer,
        why_not: Callable[[Trainer], str | None],
        steps: int | None = None,
        steps_per_execution: int = 0,
    ) -> None:
        before = trainer.fit_loop.epoch_loop
        super().__init__(trainer, before.min_steps, before.max_steps)
        self.val_loop = before.val_loop  # which knows the data already
        self.automatic_optimization: QuickSteps = QuickSteps(trainer)
        self.batch_progress, self.scheduler_progress = before.batch_progress, before.scheduler_progress
        self.automatic_optimization.optim_progress = before.automatic_optimization.optim_progress
        self._batches_that_stepped = before._batches_that_stepped
        self.why_not, self.fixed_steps, self.steps = why_not, steps, steps or 1
        self.steps_per_execution = steps_per_execution
        self.reason: str | None = None
        self.logs: bool | None = None

    def on_run_start(self, data_fetcher: _DataFetcher) -> None:
        """Find out, before an epoch, whether several steps can go together."""
        super().on_run_start(data_fetcher)
        trainer = self.trainer
        self.reason = LOGS if self.logs else self.why_not(trainer)
        if self.reason:
            return
        observers = [callback for callback in callbacks_of(trainer) if hasattr(callback, "on_quick_step_end")]
        self.by_step = any(config.interval == "step" for config in trainer.lr_scheduler_configs)
        self.data = data_of(trainer)
        self.device = trainer.strategy.root_device
        inputs = self.inputs if getattr(self.data, "prepares_all_alike", False) else None
        self.automatic_optimization.prepare(observers, self.steps_per_execution > 0, inputs)  # type: ignore[arg-type]

    def advance(self, data_fetcher: _DataFetcher) -> None:
        """Run the steps of a turn, and the last one as Lightning does."""
        if self.reason or self.restarting:
            super().advance(data_fetcher)
            return
        steps = 1 if self.logs is None else min(max(self.steps, self.least_steps()), self.steps_until_due())
        started = time.perf_counter()
        self.quick_steps(data_fetcher, steps - 1)
        super().advance(data_fetcher)
        if self.logs is None:
            self.logs = any(key.startswith("training_step") for key in self._results)
            self.reason = LOGS if self.logs else None
        if not self.fixed_steps:
            wanted = int(SECONDS * steps / (time.perf_counter() - started))
            self.steps = min(max(1, wanted), 2 * self.steps, MOST_STEPS)
            if self.trainer.world_size > 1:
                self.steps = self.trainer.strategy.broadcast(self.steps)

    def least_steps(self) -> int:
        """Return how many steps a turn must have for one graph, however long it takes."""
        return self.automatic_optimization.accumulated * self.steps_per_execution + 1 if self.steps_per_execution else 1

    def quick_steps(self, data_fetcher: _DataFetcher, count: int) -> None:
        """Train on the next batches, without what Lightning calls around a step."""
        fused = self.automatic_optimization.fused
        while count:
            size = self.batches_of_graph(count)
            batches = [next(data_fetcher)[0] for _ in range(size or 1)]
            if fused and fused.draws is None:
                fused.look(batches[0])
            done = fused(batches) if fused and size else None
            finite = [one for one in done or () if one.finite]
            if finite:
                self.count_graph(finite)
            for batch in batches[len(finite) :]:
                self.quick_step(batch)
            count -= len(batches)

    def batches_of_graph(self, most: int) -> int:
        """Return how many of the next batches go into one graph; 0 if they are not compiled."""
        optimization = self.automatic_optimization
        accumulated, fused = optimization.accumulated, optimization.fused
        if not fused or fused.draws is None or self.batch_progress.current.ready % accumulated or most < accumulated:
            return 0
        if fused.reason:
            return 0
        # The rate of a step is an input of the graph, and the loader seeds the random numbers of each.
        alone = self.by_step or fused.alone
        many = accumulated * self.steps_per_execution
        return accumulated if alone or most < many else many

    def count_graph(self, done: Sequence[Done]) -> None:
        """Count batches whose steps a graph has made, and looked at, and record their results."""
        module, steps = self.trainer.lightning_module, len(done) // self.automatic_optimization.accumulated
        for one in done:
            module.record("train/", *one.results[1:], one.target)
        add(self.batch_progress, len(done), "ready", "started", "processed", "completed")
        self.automatic_optimization.count_steps(steps)
        self._batches_that_stepped += steps
        if self.by_step:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)

    def quick_step(self, batch: Any) -> None:
        """Train on a batch."""
        trainer, optimization, progress = self.trainer, self.automatic_optimization, self.batch_progress
        inputs = self.inputs(batch)
        batch_idx = progress.current.ready
        progress.increment_ready()
        progress.increment_started()
        trainer.lightning_module.on_train_batch_start(inputs, batch_idx)
        loss = optimization.step(inputs, batch_idx)
        progress.increment_processed()
        if self.by_step:
            self.update_lr_schedulers("step", update_plateau_schedulers=False)
        for observer in optimization.observers:
            observer.on_quick_step_end(trainer, loss)
        progress.increment_completed()
        if not self._should_accumulate():
            self._batches_that_stepped += 1

    def inputs(self, batch: Any) -> Any:
        """Return the inputs and targets of a stored batch, on the device."""
        if self.automatic_optimization.is_plain and self.is_here(batch):
            assert self.data
            return self.data.on_after_batch_transfer(batch, 0)
        batch = self.trainer.precision_plugin.convert_input(batch)
        return self.trainer.strategy.batch_to_device(batch, dataloader_idx=0)

    def is_here(self, batch: Any) -> bool:
        """Return whether a batch of tensors is on the device already."""
        return isinstance(batch, tuple | list) and all(isinstance(t, Tensor) and t.device == self.device for t in batch)

    def steps_until_due(self) -> int:
        """Return the number of batches up to the next one after which something is due that counts batches."""
        trainer, ready = self.trainer, self.batch_progress.current.ready
        left = [int(trainer.num_training_batches) - ready]
        if self.max_steps > -1:
            left.append(self.max_steps - self.global_step)
        if trainer.should_stop and self.min_steps and self.global_step < self.min_steps:
            left.append(self.min_steps - self.global_step)
        if isinstance(trainer.val_check_batch, int):
            done = self.batch_progress.total.ready if trainer.check_val_every_n_epoch is None else ready
            left.append(trainer.val_check_batch - done % trainer.val_check_batch)
        for callback in callbacks_of(trainer):
            every = callback._every_n_train_steps if isinstance(callback, ModelCheckpoint) else 0
            if every:
                left.append(every - self.global_step % every)
        left += [due for o in self.automatic_optimization.observers if (due := o.steps_until_due(trainer)) is not None]
        return max(1, min(left))
