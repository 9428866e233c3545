"""Where a run is in Lightning's loops, which have no public word for it."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, Trainer
from lightning.pytorch.loops.loop import _Loop


def callbacks_of(trainer: Trainer) -> list[Callback]:
    """Return the callbacks of a trainer, which Lightning sets unannounced."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    return callbacks


def can_be_resumed_here(trainer: Trainer) -> bool:
    """Return whether a checkpoint after this batch would lose nothing: no validation, no gradients that accumulate."""
    loop = trainer.fit_loop.epoch_loop
    fetcher = trainer.fit_loop._data_fetcher
    assert fetcher is not None
    validation_follows = loop.batch_progress.is_last_batch or loop._should_check_val_fx(fetcher)
    return not (validation_follows or loop._should_accumulate())


def begin_next_epoch(trainer: Trainer) -> None:
    """Let a run that was saved at an epoch's end go on with the next one; call it when the training starts.

    With ``max_steps`` Lightning takes it for a run that was saved amid the epoch, ends that a second time, and leaves
    the next one out.
    """
    loop = trainer.fit_loop
    if loop.restarted_on_epoch_end:
        _Loop.restarting.fset(loop, False)  # type: ignore[attr-defined]  # the fit loop's own setter would not do it
        loop.reset_restart_stage()
        loop.epoch_loop.reset_restart_stage()
        loop.epoch_progress.increment_completed()


def is_last_batch(trainer: Trainer) -> bool:
    """Return whether the epoch has no more batches after this one."""
    return trainer.fit_loop.epoch_loop._num_ready_batches_reached()


def ends_epoch(trainer: Trainer) -> bool:
    """Return whether the epoch ends with this batch, which was trained on: its last one, or that of the last step."""
    return is_last_batch(trainer) or 0 <= trainer.max_steps <= trainer.global_step


def was_cut_short(trainer: Trainer) -> bool:
    """Return whether an epoch ends before its last batch: ``max_steps`` is reached, or a callback stops the run."""
    epoch: Any = trainer.fit_loop.epoch_progress.total
    ends = epoch.completed < epoch.processed == epoch.started
    return ends and not is_last_batch(trainer)


def move_into_epoch(loops: dict[str, Any]) -> None:
    """Turn what Lightning saves at an epoch's end into what it saves after a batch: a longer run goes on from there.

    Args:
        loops: The state of the fit loop, in a checkpoint.
    """
    for name in ("total", "current"):
        loops["epoch_progress"][name]["processed"] -= 1
        loops["epoch_loop.batch_progress"][name]["completed"] -= 1
    loops["epoch_loop.state_dict"]["_batches_that_stepped"] -= 1
