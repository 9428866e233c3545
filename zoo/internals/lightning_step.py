"""Lightning: a training step without what it calls around the operations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any, Protocol

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.loops.optimization.automatic import _AutomaticOptimization
from lightning.pytorch.loops.utilities import _block_parallel_sync_behavior
from lightning.pytorch.plugins.precision import Precision
from torch import Tensor
from torch.optim import Optimizer

from zoo.internals.torch import bare_step
from zoo.internals.torch_fused import FusedSteps
from zoo.internals.torch_graphs import Graphs, RecordedStep


class StepObserver(Protocol):
    """A callback that sees the steps that Lightning's loop does not, but for those of graphs on a CPU.

    Graphs look at losses and gradients themselves, and leave a step that is not finite to be made in the usual way.
    """

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Look at the gradients, as Lightning's hook."""

    def on_quick_step_end(self, trainer: Trainer, loss: Tensor) -> None:
        """Look at the loss of a step."""

    def steps_until_due(self, trainer: Trainer) -> int | None:
        """Return the number of steps after which the callback must get its turn; None if it can wait."""


class QuickSteps(_AutomaticOptimization):
    """Lightning's optimization, and the same operations in the same order without what is called in between."""

    accumulated = 1
    made_for: tuple[Any, ...] = ()
    recorded: RecordedStep | None = None
    fused: FusedSteps | None = None

    @property
    def graphs(self) -> Graphs | None:
        """The compiled steps, if there are any."""
        return self.recorded or self.fused

    def forget_graphs(self) -> None:
        """Give up the graphs, which hold memory of the device."""
        self.recorded = self.fused = None

    def prepare(self, observers: Sequence[StepObserver], compiles: bool, inputs: Callable[[Any], Any] | None) -> None:
        """Look up what each step of an epoch needs.

        Args:
            observers: Callbacks that see each step.
            compiles: Whether steps are compiled.
            inputs: Returns the inputs and targets of a stored batch; None if a graph cannot.
        """
        trainer = self.trainer
        module, before = trainer.lightning_module, self.made_for
        self.observers = observers
        self.optimizer: Optimizer = trainer.optimizers[0]
        self.parameters = [p for group in self.optimizer.param_groups for p in group["params"]]
        self.update = bare_step(self.optimizer)
        self.accumulated = trainer.accumulate_grad_batches
        self.clips = trainer.gradient_clip_val is not None
        # Neither autocast, nor another precision, nor a wrapper such as DDP.
        self.is_plain = type(trainer.precision_plugin) is Precision and trainer.strategy.model is module
        self.made_for = (self.accumulated, trainer.gradient_clip_val, trainer.gradient_clip_algorithm)
        compiles &= trainer.strategy.model is module
        device = trainer.strategy.root_device.type
        if not compiles or device != "cuda" or not self.is_plain or self.accumulated > 1:
            self.recorded = None
        elif not self.recorded or not self.recorded.fits(module):
            self.recorded = RecordedStep(module, "losses")
        if not compiles or device != "cpu" or not inputs:
            self.fused = None
        elif not self.fused or not self.fused.fits(module) or before != self.made_for:
            self.fused = FusedSteps(
                module,
                "losses",
                self.optimizer,
                prepare=inputs,
                clip=self.clip if self.clips else None,
                around=trainer.precision_plugin.forward_context,
                accumulated=self.accumulated,
            )

    def clip(self, optimizer: Optimizer) -> None:
        """Clip the gradients of an optimizer's parameters, in place."""
        self.trainer.lightning_module.configure_gradient_clipping(
            optimizer, self.trainer.gradient_clip_val, self.trainer.gradient_clip_algorithm
        )

    def step(self, batch: Any, batch_idx: int) -> Tensor:
        """Train on a batch, and return its loss."""
        trainer, module, strategy = self.trainer, self.trainer.lightning_module, self.trainer.strategy
        accumulates = self.accumulated > 1 and trainer.fit_loop.epoch_loop._should_accumulate()
        loss: Tensor
        if self.recorded:
            loss, *recorded = self.recorded(batch)
            module.record("train/", *recorded, batch[1])  # type: ignore[operator]  # a method of networks of the zoo
            self.count_zero_grad()
            self.update_weights()
            return loss
        with _block_parallel_sync_behavior(strategy, block=True) if accumulates else nullcontext():
            loss = (module if self.is_plain else strategy).training_step(batch, batch_idx)  # type: ignore[assignment]
            if batch_idx % self.accumulated == 0:
                for parameter in self.parameters:
                    parameter.grad = None
                self.count_zero_grad()
            minimized = loss / self.accumulated if self.accumulated > 1 else loss
            if self.is_plain:
                minimized.backward()
            else:
                strategy.backward(minimized, self.optimizer)
        if not accumulates:
            self.update_weights()
        return loss.detach()

    def update_weights(self) -> None:
        """Let the observers look at the gradients, clip them, and run the optimizer."""
        trainer = self.trainer
        self.optim_progress.optimizer.step.increment_ready()
        for observer in self.observers:
            observer.on_before_optimizer_step(trainer, trainer.lightning_module, self.optimizer)
        if self.clips:
            self.clip(self.optimizer)
        self.update()
        self.optim_progress.optimizer.step.increment_completed()

    def count_zero_grad(self, count: int = 1) -> None:
        """Count how often gradients were cleared."""
        add(self.optim_progress.optimizer.zero_grad, count, "ready", "started", "completed")

    def count_steps(self, count: int) -> None:
        """Count optimizer steps that a graph has made."""
        self.count_zero_grad(count)
        add(self.optim_progress.optimizer.step, count, "ready", "completed")


def add(progress: Any, count: int, *names: str) -> None:
    """Add to numbers of Lightning's progress."""
    for tracker in (progress.total, progress.current):
        for name in names:
            setattr(tracker, name, getattr(tracker, name) + count)
