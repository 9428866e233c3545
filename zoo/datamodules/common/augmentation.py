"""Augmentations of torchvision by name, which change each picture as a function of its place in the training alone."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, TypeGuard, get_args

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.errors import ZooError, suggestion

PolicyName = Literal["RandAugment", "TrivialAugmentWide", "AutoAugment"]
MixName = Literal["MixUp", "CutMix"]

Augmentation = bool | PolicyName | MixName
"""The augmentation of a data set: none, its own, or one of torchvision."""


def check_augmentation(name: Any) -> None:
    """Raise ZooError for an augmentation that is not known."""
    known = (*get_args(PolicyName), *get_args(MixName))
    if not isinstance(name, bool) and name not in known:
        hint = suggestion(str(name), known) or f"; expected true, false, {', '.join(known)}"
        raise ZooError(f"unknown augmentation {name!r}{hint}")


def apply_policy(name: PolicyName, x: Tensor, random: Tensor) -> Tensor:
    """Augment each picture on its own.

    Args:
        name: The policy, with torchvision's default settings.
        x: Bytes, shape ``(batch, channels, rows, columns)``.
        random: Random numbers in 0 to 1, at least of shape ``(batch, 2)``, on the CPU. They seed the policy.
    """
    policy, generator = _policy(name), torch.default_generator
    state = generator.get_state()  # else dropout would depend on the augmentation
    try:
        augmented = []
        for picture, (high, low) in zip(x, (random[:, :2].double() * 2**24).long().tolist(), strict=True):
            generator.manual_seed(high * 2**24 + low)
            augmented.append(policy(picture))
    finally:
        generator.set_state(state)
    return torch.stack(augmented)


@cache
def _policy(name: PolicyName) -> Any:
    from torchvision.transforms import v2

    return getattr(v2, name)()


def is_policy(augment: Augmentation) -> TypeGuard[PolicyName]:
    """Return whether an augmentation is a policy, which changes the bytes of each picture on its own."""
    return augment in get_args(PolicyName)


def is_mix(augment: Augmentation) -> TypeGuard[MixName]:
    """Return whether an augmentation mixes pictures of a batch, and their targets."""
    return augment in get_args(MixName)


def mix(
    name: MixName, one: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], classes: int, random: Tensor
) -> tuple[Tensor, Tensor]:
    """Mix each picture with another one, and their targets by the same shares.

    The share of a picture is uniform in 0 to 1, as with torchvision's default settings. Torchvision draws one share
    for a batch; here each picture has its own.

    Sources: Zhang et al., "mixup: Beyond Empirical Risk Minimization"; Yun et al., "CutMix: Regularization Strategy to
    Train Strong Classifiers with Localizable Features".

    Args:
        name: ``MixUp`` adds the pictures; ``CutMix`` puts a rectangle of the other picture into the first.
        one: Scaled pictures, shape ``(batch, channels, rows, columns)``, and targets: class indices, shape
            ``(batch,)``, or 0 or 1 for each class, shape ``(batch, classes)``.
        other: As many others, and their targets.
        classes: Number of classes.
        random: Random numbers in 0 to 1, at least of shape ``(batch, 3)``.

    Returns:
        The pictures, and the share of each class in each target, shape ``(batch, classes)``.
    """
    (x, y), (other_x, other_y), share = one, other, random[:, 0]
    if name == "MixUp":
        mixed = other_x.lerp(x, share[:, None, None, None].to(x.dtype))
    else:
        (top, bottom), (left, right) = (
            _interval(size, (1 - share).sqrt(), centre) for size, centre in zip(x.shape[2:], random.T[1:3], strict=True)
        )
        row, column = (torch.arange(size, device=x.device) for size in x.shape[2:])
        inside = ((top[:, None] <= row) & (row < bottom[:, None]))[:, :, None] & (
            (left[:, None] <= column) & (column < right[:, None])
        )[:, None, :]
        mixed = torch.where(inside[:, None], other_x, x)
        share = 1 - inside.float().mean((1, 2))  # of the pixels that it really is
    y, other_y = (
        (target if target.is_floating_point() else F.one_hot(target, classes)).float() for target in (y, other_y)
    )
    return mixed, other_y.lerp(y, share[:, None])


def _interval(size: int, part: Tensor, centre: Tensor) -> tuple[Tensor, Tensor]:
    """Return the first and the end of a part of ``size`` pixels around a centre, both given as fractions."""
    middle, half = (centre * size).long(), (part * size / 2).long()
    return (middle - half).clamp(min=0), (middle + half).clamp(max=size)
