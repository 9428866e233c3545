"""Training steps without Lightning's overhead."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, OnExceptionCheckpoint, RichProgressBar, Timer, TQDMProgressBar
from lightning.pytorch.profilers import PassThroughProfiler
from lightning.pytorch.strategies import DDPStrategy, SingleDeviceStrategy
from lightning.pytorch.utilities.model_helpers import is_overridden
from torch.optim import LBFGS

from zoo.callbacks.checkpointing import ExactResume
from zoo.callbacks.progress import ProgressBar
from zoo.errors import ZooError
from zoo.internals.lightning import averages_models, callbacks_of, data_of
from zoo.internals.lightning_loop import QuickEpochLoop
from zoo.support.console import echo, one_line
from zoo.tasks import Task

STEP_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)
"""Hooks that Lightning calls in each step, of callbacks and of the network."""

NETWORK_HOOKS = (
    *STEP_HOOKS,
    "training_step",
    "optimizer_step",
    "optimizer_zero_grad",
    "backward",
    "configure_gradient_clipping",
    "on_before_batch_transfer",
    "transfer_batch_to_device",
    "on_after_batch_transfer",
    "lr_scheduler_step",
)
"""What a network can do in each step."""

SEE_ENOUGH = (ExactResume, ProgressBar, TQDMProgressBar, RichProgressBar, ModelCheckpoint, Timer)
"""Callbacks whose hooks need the last of several steps only, or which see the others in another way."""


class FastSteps(Callback):
    """Runs several optimizer steps in each turn of Lightning's loop, whose overhead is that of a step of ``slp``.

    Lightning's loop calls some 1,500 functions around each step: hooks of callbacks that have none, profilers that are
    off, metrics that nobody logged. With this callback it does so ten times a second, after the last of as many
    steps as take 0.1 s; the others do the same operations on the same batches in the same order, so that weights,
    metrics and checkpoints are the same, bit for bit. There are fewer steps in a turn where something is due that
    counts them: a validation, a checkpoint, the end of an epoch or of ``max_steps``.

    It steps aside, and Lightning runs each step, where something looks at each of them: a callback or a network with
    such a hook of its own, a profiler, a loss scaler (16-mixed), LBFGS, or a strategy other than one device or DDP.

    With ``compile`` these steps are graphs. On a CPU torch's compiler fuses their operations, from the inputs to the
    update. This takes seconds to a minute at first, and needs a C++ compiler; weights are then equal up to rounding. On
    CUDA the GPU records and replays forward and backward, to the same bits. It is for one device.

    ``zoo fit`` uses it unless ``--fast false``; with a Trainer of your own, add it to the callbacks.

    Args:
        steps: Steps in a turn. Default: as many as take 0.1 s.
        compile: Whether to compile the steps.
        steps_per_execution: Steps of a graph on a CPU. More save calls, but take longer to compile. Steps that draw
            random numbers, as for dropout, or change the learning rate, have a graph each.

    Attributes:
        reason: Why it stepped aside in the last epoch; None if it did not.
    """

    def __init__(
        self,
        steps: int | None = None,
        compile: bool = False,  # noqa: A002  # torch's name
        steps_per_execution: int = 1,
    ) -> None:
        if steps_per_execution < 1:
            raise ZooError(f"steps_per_execution must be at least 1, got {steps_per_execution}")
        if steps_per_execution > 1 and not compile:
            raise ZooError("steps_per_execution is for compiled steps; add --compile")
        self.steps, self.steps_per_execution = steps, steps_per_execution if compile else 0
        self.reason: str | None = None
        self.told: set[str] = set()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Replace the loop over the batches of an epoch."""
        if stage == "fit" and not isinstance(trainer.fit_loop.epoch_loop, QuickEpochLoop):
            steps = self.steps_per_execution
            if any(isinstance(callback, OnExceptionCheckpoint) for callback in callbacks_of(trainer)):
                steps = min(steps, 1)  # batches of later steps must not be fetched when it saves the loader's position
            trainer.fit_loop.epoch_loop = QuickEpochLoop(trainer, self.why_not, self.steps, steps)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say why it steps aside, if it does."""
        self.told.clear()
        if isinstance(loop := trainer.fit_loop.epoch_loop, QuickEpochLoop):
            loop.logs = None
            loop.automatic_optimization.forget_graphs()  # of a fit that ended in an exception
        if trainer.is_global_zero and (reason := self.why_not(trainer)):
            echo(f"each step goes through Lightning's loop: {reason}")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Say what compiling took, and why it was not possible."""
        if not self.steps_per_execution or self.reason or not trainer.is_global_zero:
            return
        loop = trainer.fit_loop.epoch_loop
        assert isinstance(loop, QuickEpochLoop)
        if not (graphs := loop.automatic_optimization.graphs):
            self._tell("not compiled", f"the steps are not compiled: {_about_compiling(trainer)}")
        elif graphs.reason:
            self._tell(graphs.reason, f"some steps are not compiled: {one_line(graphs.reason)[:200]}")
        elif graphs.seconds:
            self._tell("compiled", f"the steps were compiled in {graphs.seconds:.1f} s")

    def _tell(self, what: str, line: str) -> None:
        if what not in self.told:
            echo(line)
        self.told.add(what)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give up the graphs, which hold memory of the device."""
        if stage == "fit" and isinstance(trainer.fit_loop.epoch_loop, QuickEpochLoop):
            trainer.fit_loop.epoch_loop.automatic_optimization.forget_graphs()

    def why_not(self, trainer: Trainer) -> str | None:
        """Return why Lightning must run each step of the next epoch; None if it need not."""
        self.reason = _about_network(trainer) or _about_callbacks(trainer) or _about_trainer(trainer)
        return self.reason


def _about_network(trainer: Trainer) -> str | None:
    module = trainer.lightning_module
    name = type(module).__name__
    if not isinstance(module, Task):
        return f"{name} is not a network of the zoo"
    if not module.automatic_optimization:
        return f"{name} optimizes manually"
    for hook in NETWORK_HOOKS:
        if _function(module, hook) is not getattr(Task, hook):
            return f"{name} has its own {hook}"
    if not (data := data_of(trainer)):
        return "there is no data module"
    for hook in ("on_before_batch_transfer", "transfer_batch_to_device"):
        if is_overridden(hook, data):
            return f"{type(data).__name__} has its own {hook}"
    return None


def _about_compiling(trainer: Trainer) -> str:
    if trainer.world_size > 1:
        return "that is for one process"
    if trainer.strategy.root_device.type == "cuda":
        return "on a GPU, that is without accumulation or another precision"
    return f"{type(data_of(trainer)).__name__} prepares batches differently each time"


def _about_callbacks(trainer: Trainer) -> str | None:
    for hook in STEP_HOOKS:
        known = (None, *(getattr(cls, hook) for cls in (Callback, *SEE_ENOUGH)))
        for callback in callbacks_of(trainer):
            if not any(_function(callback, hook) is one for one in known):
                return f"{type(callback).__name__} looks at each step"
    return None


def _function(owner: Any, name: str) -> Any:
    """Return the function behind a method, or what somebody has set in its place."""
    method = getattr(owner, name)
    return getattr(method, "__func__", method)


def _about_trainer(trainer: Trainer) -> str | None:
    if type(trainer.profiler) is not PassThroughProfiler:  # type: ignore[attr-defined]
        return "a profiler measures each step"
    optimizer = trainer.optimizers[0]
    if isinstance(optimizer, LBFGS):
        return "LBFGS evaluates a batch several times"
    if not type(optimizer).__module__.startswith("torch.optim."):
        return f"{type(optimizer).__name__} is not an optimizer of torch"
    if getattr(trainer.precision_plugin, "scaler", None) is not None:
        return "16-mixed scales the loss"
    if not type(trainer.precision_plugin).__module__.startswith("lightning.pytorch.plugins.precision."):
        return f"{type(trainer.precision_plugin).__name__} is not a precision of Lightning's"
    if type(trainer.strategy) not in (SingleDeviceStrategy, DDPStrategy) or averages_models(trainer.strategy):
        return f"{type(trainer.strategy).__name__} runs its own steps"
    if trainer.num_training_batches == float("inf"):
        return "the number of batches is not known"
    if any(config.reduce_on_plateau and config.interval == "step" for config in trainer.lr_scheduler_configs):
        return "a schedule looks at the metrics of each step"
    return None
