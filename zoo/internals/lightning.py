"""Lightning: the state of its loops, and cheaper hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from lightning.pytorch import Callback, LightningDataModule, LightningModule, Trainer
from lightning.pytorch.loops.loop import _Loop
from lightning.pytorch.loops.progress import _ReadyCompletedTracker
from lightning.pytorch.strategies import DDPStrategy, Strategy
from lightning.pytorch.utilities import rank_zero_only

AnyCallback = TypeVar("AnyCallback", bound=type[Callback])


class FastHooks(LightningModule):
    """A LightningModule whose hooks are cheaper to call.

    Around each hook Lightning sets ``_current_fx_name``, 50 times a step. Torch's ``__setattr__`` looks for parameters
    and modules first, which takes 8% of an epoch of ``slp``. There is no public way to avoid this.
    """

    plain_attributes = frozenset({"_current_fx_name", "batch_recorded"})
    """Attributes that are set in each step, and never a parameter or a module."""

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute."""
        if name in self.plain_attributes:
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


def without_hooks(*names: str) -> Callable[[AnyCallback], AnyCallback]:
    """Return a class decorator that removes hooks of a callback, which Lightning would call in each step.

    Each call takes 2 µs even if the hook is empty. Lightning does not call what is not callable; it has no public way
    to unsubscribe.
    """

    def decorate(cls: AnyCallback) -> AnyCallback:
        for name in names:
            setattr(cls, name, None)
        return cls

    return decorate


def trainer_of(module: LightningModule) -> Trainer | None:
    """Return the trainer of a module, or None, in which case the public ``module.trainer`` raises an error."""
    return module._trainer


def is_first_rank() -> bool:
    """Return whether this process is the first of the run, even before the trainer has started the others.

    Lightning sets ``rank_zero_only.rank`` from the environment when it is imported. The public
    ``trainer.is_global_zero`` comes too late.
    """
    return getattr(rank_zero_only, "rank", 0) == 0


def is_progress_method(name: str) -> bool:
    """Return whether a name is a method of Lightning's progress trackers.

    They set anything in a checkpoint as their attributes, and would replace their methods.
    """
    return hasattr(_ReadyCompletedTracker, name)


def callbacks_of(trainer: Trainer) -> list[Callback]:
    """Return the callbacks of a trainer, which Lightning does not declare."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return callbacks


def data_of(trainer: Trainer) -> LightningDataModule | None:
    """Return the data module whose hooks are in use: ``trainer.datamodule`` may be that of an earlier fit."""
    selector = trainer._data_connector._datahook_selector
    return selector.datamodule if selector else None


def averages_models(strategy: Strategy) -> bool:
    """Return whether DDP averages the models of all processes now and then, in its own ``optimizer_step``."""
    return any(getattr(strategy, name, None) is not None for name in ("_model_averager", "_model_averaging_period"))


def wrap_again(trainer: Trainer) -> None:
    """Let DDP share the gradients of parameters that were frozen when it wrapped the network. All ranks must call it.

    DDP looks once at which parameters require gradients. Lightning calls ``configure_ddp`` when a run starts alone.
    """
    strategy = trainer.strategy
    if isinstance(strategy, DDPStrategy):
        strategy.model = trainer.lightning_module
        strategy.configure_ddp()


def can_be_resumed_here(trainer: Trainer) -> bool:
    """Return whether a checkpoint after this batch is complete: no validation follows, and no gradients accumulate."""
    loop = trainer.fit_loop.epoch_loop
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None
    validation_follows = loop.batch_progress.is_last_batch or loop._should_check_val_fx(fetcher)
    return not (validation_follows or loop._should_accumulate())


def begin_next_epoch(trainer: Trainer) -> None:
    """Let a run that was saved at the end of an epoch continue with the next one; call it when training starts.

    With ``max_steps`` Lightning treats it as a run that was saved within the epoch, ends that epoch again, and skips
    the next one.
    """
    loop = trainer.fit_loop
    if loop.restarted_on_epoch_end:
        _Loop.restarting.fset(loop, False)  # type: ignore[attr-defined]  # the setter of the fit loop would not do so
        loop.reset_restart_stage()
        loop.epoch_loop.reset_restart_stage()
        loop.epoch_progress.increment_completed()


def is_last_batch(trainer: Trainer) -> bool:
    """Return whether the epoch has no more batches after this one."""
    return trainer.fit_loop.epoch_loop._num_ready_batches_reached()


def ends_epoch(trainer: Trainer) -> bool:
    """Return whether the epoch ends with this batch: the last of the epoch, or of the last step."""
    return is_last_batch(trainer) or 0 <= trainer.max_steps <= trainer.global_step


def was_cut_short(trainer: Trainer) -> bool:
    """Return whether an epoch ends before its last batch: ``max_steps`` is reached, or a callback stops the run."""
    epoch: Any = trainer.fit_loop.epoch_progress.total
    ends = epoch.completed < epoch.processed == epoch.started
    return ends and not is_last_batch(trainer)


def move_into_epoch(loops: dict[str, Any]) -> None:
    """Turn the state at the end of an epoch into that after a batch, from which a longer run can continue.

    Args:
        loops: The state of the fit loop in a checkpoint.
    """
    for name in ("total", "current"):
        loops["epoch_progress"][name]["processed"] -= 1
        loops["epoch_loop.batch_progress"][name]["completed"] -= 1
    loops["epoch_loop.state_dict"]["_batches_that_stepped"] -= 1
