"""What tests that run ``zoo fit`` share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from lightning.pytorch import Trainer

from zoo.callbacks import ExactResume

DIGITS = ("--data", "digits")
DIGITS_ON_CPU = (*DIGITS, "--trainer.accelerator", "cpu")
ONE_EPOCH = ("--trainer.max_epochs", "1", "--trainer.accelerator", "cpu")
LAST = Path("checkpoints", "last.ckpt")


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
    return state


def load(path: str | Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    return checkpoint


def check_resumes(fit: Callable[..., dict[str, torch.Tensor]], step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Check that a training ends with the same weights if it crashes in a step and goes on from its ``last.ckpt``.

    ``fit`` takes arguments of ``Trainer.fit``, saves to ``last.ckpt`` in the current folder, and returns the weights.
    """
    whole = fit()
    crash_at(step, monkeypatch)
    with pytest.raises(MemoryError):
        fit()
    resumed = fit(ckpt_path="last.ckpt", weights_only=True)
    assert all(torch.equal(value, resumed[key]) for key, value in whole.items())


def crash_at(step: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the next fit crash in that step, before its update."""
    whole = ExactResume.on_before_optimizer_step

    def crash(self: ExactResume, trainer: Trainer, *rest: Any) -> None:
        if trainer.global_step == step:
            monkeypatch.setattr(ExactResume, "on_before_optimizer_step", whole)
            raise MemoryError
        whole(self, trainer, *rest)

    monkeypatch.setattr(ExactResume, "on_before_optimizer_step", crash)
