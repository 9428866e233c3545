"""The losses by name, and which of them are valid for which outputs and targets."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Literal, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.errors import ZooError, suggestion
from zoo.kinds import OutputKind, TargetKind

LossName = Literal["mse", "mse_sum", "l1", "nll", "cross_entropy", "bce", "kl_div"]

LossFunction = Callable[[Tensor, Tensor], Tensor]

VALID_LOSSES: dict[tuple[TargetKind, OutputKind], tuple[LossName, ...]] = {
    ("class", "sigmoid"): ("mse", "mse_sum", "l1", "bce"),
    ("class", "logits"): ("cross_entropy",),
    ("class", "log_probs"): ("nll", "cross_entropy", "kl_div"),
    ("binary", "sigmoid"): ("mse", "mse_sum", "l1", "bce"),
    ("binary", "logits"): ("bce",),
    ("value", "values"): ("mse", "mse_sum", "l1"),
}


def loss_function(loss: str, output: OutputKind, target: TargetKind) -> LossFunction:
    """Return a loss by name, as a function of output and target.

    Targets of kind ``class`` are class indices of shape ``(batch,)``. All losses but ``nll`` and ``cross_entropy``
    compare the output with their one-hot encoding. Targets of other kinds have the shape of the output.

    Raises:
        ZooError: The loss is unknown, or not valid for this output and target.
    """
    if loss not in get_args(LossName):
        raise ZooError(f"unknown loss {loss!r}{suggestion(loss, get_args(LossName))}")
    valid = VALID_LOSSES.get((target, output))
    if not valid:
        raise ZooError(f"no loss is valid for {output} outputs and {target} targets; choose another network")
    if loss not in valid:
        raise ZooError(
            f"loss {loss!r} is not valid for {output} outputs and {target} targets; use {' or '.join(valid)}"
        )
    function = _bce_with_logits if (loss, output) == ("bce", "logits") else _FUNCTIONS[loss]
    if target == "class" and loss not in ("nll", "cross_entropy"):
        return partial(_on_one_hot, function)
    return function


def _on_one_hot(function: LossFunction, output: Tensor, target: Tensor) -> Tensor:
    return function(output, F.one_hot(target, output.shape[-1]).to(output.dtype))


def _mse_sum(output: Tensor, target: Tensor) -> Tensor:
    return F.mse_loss(output, target, reduction="sum")


def _bce(output: Tensor, target: Tensor) -> Tensor:
    # A sigmoid rounds to exactly 0 or 1 in half precision, and autocast refuses its logarithm.
    with torch.autocast(output.device.type, enabled=False):
        wide = output.float() if output.itemsize < 4 else output
        return F.binary_cross_entropy(wide, target.to(wide.dtype))


def _bce_with_logits(output: Tensor, target: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(output, target.to(output.dtype))


def _kl_div(output: Tensor, target: Tensor) -> Tensor:
    return F.kl_div(output, target, reduction="batchmean")


_FUNCTIONS: dict[str, LossFunction] = {
    "mse": F.mse_loss,
    "mse_sum": _mse_sum,
    "l1": F.l1_loss,
    "nll": F.nll_loss,
    "cross_entropy": F.cross_entropy,
    "bce": _bce,
    "kl_div": _kl_div,
}
