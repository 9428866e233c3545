"""The losses by name, and which of them are valid for which outputs and targets."""

from __future__ import annotations

from collections.abc import Callable, Iterable
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

    Targets of kind ``class`` are class indices of shape ``(batch,)``, or the share of each class, floats of shape
    ``(batch, classes)``. All losses but ``nll`` and ``cross_entropy`` compare the output with the shares, which are the
    one-hot encoding of an index. Targets of other kinds have the shape of the output.

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
    function = _function(loss, output)
    if target != "class":
        return function
    return partial(_on_indices if loss in ("nll", "cross_entropy") else _on_shares, function)


def weighted_loss(
    loss: LossName, output: OutputKind, target: TargetKind, smoothing: float
) -> Callable[[Tensor, Tensor, Tensor | None], Tensor]:
    """Return a loss with weights of the classes and smoothed targets, as a function of output, target and weights.

    The loss of an example is multiplied by the weight of its class, or of its classes by their shares. Torch's
    ``cross_entropy`` would then divide by the sum of the weights in the batch. Here it is the number of examples, as
    without weights, so that the mean over a batch does not depend on how several processes share it.

    Smoothing moves this share of the target to all classes alike: 1 and 0 of k classes become 1 - s + s / k and s / k;
    those of a binary target 1 - s / 2 and s / 2. With weights, ``cross_entropy`` and ``nll`` weigh each class's share,
    as torch does; the others weigh the whole example by its own class.

    Args:
        loss: Name of a loss that is valid for this output and target.
        output: Kind of the outputs.
        target: Kind of the targets, ``class`` or ``binary``; the latter takes no weights.
        smoothing: The share, at least 0 and below 1.
    """
    if loss in ("nll", "cross_entropy"):  # equal for log-probabilities
        return partial(_weighted_cross_entropy, smoothing)
    return partial(_weighted_elements, _function(loss, output), loss, target, smoothing)


def add_penalties(loss: Tensor, parameters: Callable[[], Iterable[Tensor]], l1: float, l2: float) -> Tensor:
    """Add the weighted sums of the absolute values and of the squares of parameters, which are asked for if needed."""
    for weight, values in ((l1, torch.abs), (l2, torch.square)):
        if weight:
            loss = loss + weight * torch.stack([values(p).sum() for p in parameters()]).sum()
    return loss


def _function(loss: LossName, output: OutputKind) -> Callable[..., Tensor]:
    return _bce_with_logits if (loss, output) == ("bce", "logits") else _FUNCTIONS[loss]


def _weighted_cross_entropy(smoothing: float, output: Tensor, target: Tensor, weights: Tensor | None) -> Tensor:
    if target.is_floating_point():
        target = _shares(output, target)
    total = F.cross_entropy(output, target, weights, label_smoothing=smoothing, reduction="sum")
    return total / len(target)


def _weighted_elements(
    function: Callable[..., Tensor],
    loss: LossName,
    kind: TargetKind,
    smoothing: float,
    output: Tensor,
    target: Tensor,
    weights: Tensor | None,
) -> Tensor:
    shares = _shares(output, target) if kind == "class" else target.to(output.dtype)
    wanted = shares * (1 - smoothing) + smoothing / (output.shape[-1] if kind == "class" else 2)
    losses = function(output, wanted, reduction="none")
    if weights is not None:
        losses = losses * (shares * weights).sum(-1, keepdim=True)
    if loss == "mse_sum":
        return losses.sum()
    return losses.sum() / len(target) if loss == "kl_div" else losses.mean()


def _on_indices(function: LossFunction, output: Tensor, target: Tensor) -> Tensor:
    if target.is_floating_point():
        return F.cross_entropy(output, _shares(output, target))  # equal for log-probabilities
    return function(output, target)


def _on_shares(function: LossFunction, output: Tensor, target: Tensor) -> Tensor:
    return function(output, _shares(output, target))


def _shares(output: Tensor, target: Tensor) -> Tensor:
    """Return the share of each class in a target, with the shape of the output, which may have further classes."""
    classes = output.shape[-1]
    if target.is_floating_point():
        return F.pad(target, (0, classes - target.shape[-1])).to(output.dtype)
    # As F.one_hot, which first looks twice for targets that are out of range; scatter_ does so on the way.
    return torch.zeros_like(output).scatter_(-1, target.unsqueeze(-1), 1)


def _mse_sum(output: Tensor, target: Tensor, reduction: str = "sum") -> Tensor:
    return F.mse_loss(output, target, reduction=reduction)


def _bce(output: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    # A sigmoid rounds to exactly 0 or 1 in half precision, and autocast refuses its logarithm.
    with torch.autocast(output.device.type, enabled=False):
        wide = output.float() if output.itemsize < 4 else output
        return F.binary_cross_entropy(wide, target.to(wide.dtype), reduction=reduction)


def _bce_with_logits(output: Tensor, target: Tensor, reduction: str = "mean") -> Tensor:
    return F.binary_cross_entropy_with_logits(output, target.to(output.dtype), reduction=reduction)


def _kl_div(output: Tensor, target: Tensor, reduction: str = "batchmean") -> Tensor:
    return F.kl_div(output, target, reduction=reduction)


_FUNCTIONS: dict[str, Callable[..., Tensor]] = {
    "mse": F.mse_loss,
    "mse_sum": _mse_sum,
    "l1": F.l1_loss,
    "nll": F.nll_loss,
    "cross_entropy": F.cross_entropy,
    "bce": _bce,
    "kl_div": _kl_div,
}
