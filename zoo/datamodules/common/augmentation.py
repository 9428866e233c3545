"""Policies of torchvision that augment each picture at random, as a function of its place in the training alone."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from zoo.errors import ZooError, suggestion

PolicyName = Literal["RandAugment", "TrivialAugmentWide", "AutoAugment"]

Augmentation = bool | PolicyName
"""The augmentation of a data set: none, its own, or a policy of torchvision."""


def check_augmentation(name: Any) -> None:
    """Raise ZooError for a policy that is not known."""
    known = get_args(PolicyName)
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
