"""Losses."""

from __future__ import annotations

from typing import get_args

import pytest
import torch
from stand_ins import batches, quiet_trainer
from torch import Tensor
from torch.nn import functional as F

import zoo
from zoo.kinds import OutputKind, TargetKind
from zoo.tasks.losses import VALID_LOSSES, LossName, loss_function, weighted_loss

OUTPUTS = {
    "sigmoid": torch.sigmoid,
    "logits": torch.clone,
    "log_probs": lambda x: x.log_softmax(-1),
    "values": torch.clone,
}

TARGETS = {
    "class": torch.tensor([2, 0, 1, 1]),
    "binary": torch.tensor([[0, 1, 1], [1, 0, 0], [0, 0, 0], [1, 1, 1]]),
    "value": torch.linspace(-1, 1, 12).reshape(4, 3),
}


def by_hand(loss: str, output: Tensor, target: Tensor) -> float:
    """The loss from its definition, element by element."""
    if target.dim() == 1:
        target = F.one_hot(target, 3).float()
    rows = len(output)
    match loss:
        case "mse":
            return float(((output - target) ** 2).sum() / output.numel())
        case "mse_sum":
            return float(((output - target) ** 2).sum())
        case "l1":
            return float((output - target).abs().sum() / output.numel())
        case "nll":
            return float(-(output * target).sum() / rows)
        case "cross_entropy":
            return float(-((output - output.exp().sum(-1, keepdim=True).log()) * target).sum() / rows)
        case "kl_div":  # the entropy of a one-hot target is 0
            return float(-(output * target).sum() / rows)
    raise AssertionError(loss)


@pytest.mark.parametrize(
    ("target", "output", "loss"), [(*kinds, loss) for kinds, losses in VALID_LOSSES.items() for loss in losses]
)
def test_losses_are_as_defined(target: TargetKind, output: OutputKind, loss: LossName) -> None:
    raw = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    out, goal = OUTPUTS[output](raw), TARGETS[target]
    value = float(loss_function(loss, output, target)(out, goal))
    if loss == "bce":
        p = out if output == "sigmoid" else out.sigmoid()
        yes = (F.one_hot(goal, 3) if target == "class" else goal).float()
        expected = float(-(yes * p.log() + (1 - yes) * (1 - p).log()).mean())
    else:
        expected = by_hand(loss, out, goal)
    assert value == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("output", "loss"),
    [(output, loss) for (kind, output), names in VALID_LOSSES.items() if kind == "class" for loss in names],
)
@pytest.mark.parametrize("weighted", [False, True])
def test_a_target_may_be_the_share_of_each_class(output: OutputKind, loss: LossName, weighted: bool) -> None:
    """Whole shares are as indices; a network may have more classes than the data."""
    torch.manual_seed(0)
    out, indices, shares = OUTPUTS[output](torch.randn(4, 3)), TARGETS["class"], torch.rand(4, 2)
    shares = shares / shares.sum(1, keepdim=True)
    weights = torch.tensor([1.0, 2.0, 0.5])

    def measure(target: Tensor) -> Tensor:
        if weighted:
            return weighted_loss(loss, output, "class", 0.1)(out, target, weights)
        return loss_function(loss, output, "class")(out, target)

    torch.testing.assert_close(measure(F.one_hot(indices, 3).float()), measure(indices))
    torch.testing.assert_close(measure(shares), measure(F.pad(shares, (0, 1))))
    if loss in ("nll", "cross_entropy", "bce"):  # are linear in the target
        whole = [measure(torch.full((4,), index)) for index in range(2)]
        even = measure(torch.tensor([[0.25, 0.75]]).expand(4, 2))
        if not (weighted and loss == "bce"):
            torch.testing.assert_close(even, 0.25 * whole[0] + 0.75 * whole[1])


@pytest.mark.parametrize(
    ("target", "output", "loss"),
    [(*kinds, loss) for kinds, losses in VALID_LOSSES.items() for loss in get_args(LossName) if loss not in losses],
)
def test_senseless_losses_are_refused_in_one_line(target: TargetKind, output: OutputKind, loss: LossName) -> None:
    with pytest.raises(zoo.ZooError, match="is not valid") as raised:
        loss_function(loss, output, target)
    assert "\n" not in str(raised.value)


OF_CLASSES = [
    (kind, output, loss) for (kind, output), names in VALID_LOSSES.items() for loss in names if kind != "value"
]


def smoothed(target: Tensor, share: float) -> Tensor:
    if target.dim() == 1:
        return F.one_hot(target, 3) * (1 - share) + share / 3
    return target * (1 - share) + share / 2


@pytest.mark.parametrize("share", [0.0, 0.2])
@pytest.mark.parametrize(("target", "output", "loss"), OF_CLASSES)
def test_weights_and_smoothing_are_as_defined(
    target: TargetKind, output: OutputKind, loss: LossName, share: float
) -> None:
    """The sum of the examples' losses times their weights, divided as without weights."""
    raw = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    out, goal = OUTPUTS[output](raw), TARGETS[target]
    weights = torch.tensor([0.5, 2.0, 3.0]) if target == "class" else None
    of_examples = weights[goal] if weights is not None else torch.ones(4)
    wanted = smoothed(goal, share)
    match loss:
        case "mse" | "mse_sum":
            each = (out - wanted).square().sum(1)
        case "l1":
            each = (out - wanted).abs().sum(1)
        case "bce":
            p = out if output == "sigmoid" else out.sigmoid()
            each = -(wanted * p.log() + (1 - wanted) * (1 - p).log()).sum(1)
        case "kl_div":
            each = (torch.xlogy(wanted, wanted) - wanted * out).sum(1)
        case _:  # each class's share has the weight of that class, as torch defines it
            by_class = F.one_hot(goal, 3) * (1 - share) * weights + share / 3 * weights
            each, of_examples = -(by_class * out.log_softmax(-1)).sum(1), torch.ones(4)
    divisor = {"mse_sum": 1, "kl_div": 4, "nll": 4, "cross_entropy": 4}.get(loss, 12)
    value = weighted_loss(loss, output, target, share)(out, goal, weights)
    assert float(value) == pytest.approx(float((each * of_examples).sum() / divisor), rel=1e-5)


@pytest.mark.parametrize(("target", "output", "loss"), OF_CLASSES)
def test_neither_weights_nor_smoothing_is_the_plain_loss(
    target: TargetKind, output: OutputKind, loss: LossName
) -> None:
    out, goal = OUTPUTS[output](torch.randn(4, 3, generator=torch.Generator().manual_seed(1))), TARGETS[target]
    plain = loss_function(loss, output, target)(out, goal)
    ones = torch.ones(3) if target == "class" else None
    assert torch.allclose(weighted_loss(loss, output, target, 0.0)(out, goal, ones), plain, rtol=1e-6)


def test_bce_survives_half_precision() -> None:
    certain = torch.ones(2, 3, dtype=torch.bfloat16, requires_grad=True)
    loss_function("bce", "sigmoid", "class")(certain, torch.tensor([0, 1])).backward()
    assert certain.grad is not None
    assert certain.grad.isfinite().all()


def test_a_summed_loss_is_that_of_all_examples() -> None:
    model = zoo.create_model("slp", loss="mse_sum", lr=1e-9)
    (results,) = quiet_trainer().test(model, batches(size=5), verbose=False)
    x, y = (torch.cat(parts) for parts in zip(*batches(size=5), strict=True))
    assert results["test/loss"] == pytest.approx(float((model(x).detach() - F.one_hot(y, 10)).square().sum()), rel=1e-5)
