"""Checks that losses and gradients are finite, before a gradient changes the weights."""

from __future__ import annotations

import math

import torch
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor
from torch.nn import Parameter

from zoo.errors import ZooError
from zoo.internals.torch import all_finite


class DivergedError(ZooError):
    """A loss or a gradient is not finite."""


REMEDY = (
    "Lower --model.lr, clip gradients with --trainer.gradient_clip_val, or continue anyway with --allow_nan; "
    "earlier checkpoints are valid"
)


def check_loss(trainer: Trainer, loss: Tensor) -> None:
    """Raise DivergedError, with step and batch, if a loss is not finite."""
    value = loss.item()
    if not math.isfinite(value):
        raise DivergedError(f"the loss is {value} at {_where(trainer, trainer.global_step)}. {REMEDY}")


def check_gradients(trainer: Trainer, module: LightningModule, parameters: list[Parameter]) -> None:
    """Raise DivergedError, with step, batch and parameter, if a gradient is not finite.

    Args:
        trainer: The trainer.
        module: The network.
        parameters: Its parameters, as a list: collecting them would take longer than checking them.
    """
    if _all_finite([p.grad for p in parameters if p.grad is not None]):
        return
    # A sum of large finite numbers may overflow, so now each gradient is checked.
    bad = [(n, p) for n, p in module.named_parameters() if p.grad is not None and not p.grad.isfinite().all()]
    if not bad:
        return
    name, parameter = max(bad, key=lambda pair: pair[1].numel())
    raise DivergedError(
        f"a gradient is not finite at {_where(trainer, trainer.global_step + 1)}; the largest parameter affected"
        f" is {name}, {tuple(parameter.shape)}. The weights were not updated. {REMEDY}"
    )


def _all_finite(gradients: list[Tensor]) -> bool:
    """Return whether all gradients are finite: cheap enough for each step, but an overflow may make it False."""
    if len({(g.device, g.dtype) for g in gradients}) == 1 and all(g.layout == torch.strided for g in gradients):
        first = gradients[0]
        if first.is_cpu or (first.is_cuda and first.itemsize >= 4):
            return all_finite(gradients)
    if not gradients:
        return True
    total = torch.stack([gradient.sum() for gradient in gradients]).sum()  # a single synchronization with the device
    return math.isfinite(total.item())


def _where(trainer: Trainer, step: int) -> str:
    return f"step {step} (epoch {trainer.current_epoch + 1}, batch {trainer.fit_loop.epoch_loop.batch_idx + 1})"
