"""What tests that run ``zoo fit`` share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

DIGITS = ("--data", "digits")

ONE_EPOCH = ("--trainer.max_epochs", "1", "--trainer.accelerator", "cpu")


def weights(checkpoint: Path) -> dict[str, torch.Tensor]:
    state: dict[str, torch.Tensor] = torch.load(checkpoint, weights_only=True)["state_dict"]
    return state


DIGITS_ON_CPU = ("--data", "digits", "--trainer.accelerator", "cpu")

LAST = Path("checkpoints", "last.ckpt")


def load(path: str | Path) -> dict[str, Any]:
    checkpoint: dict[str, Any] = torch.load(path, weights_only=True)
    return checkpoint
