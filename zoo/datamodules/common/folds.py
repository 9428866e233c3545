"""Folds: parts of the examples for training and validation, each of which is the validation part once."""

from __future__ import annotations

import re
from typing import NamedTuple

import torch
from torch import Tensor

from zoo.errors import ZooError
from zoo.support.seeds import combine_seeds

ValSize = int | float | str
"""Number of examples for validation, their share if below 1, or a fold: ``"2/5"`` is the second of five."""

FOLD_SEED = 1
"""Seed of the division into folds, the same in every run, so that the folds of several runs are those of one."""


class Fold(NamedTuple):
    """One of several folds.

    Attributes:
        number: Which one, from 1.
        of: How many there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> Fold:
        """Return the fold that a text such as ``"2/5"`` means. Raises ZooError if it means none."""
        found = re.fullmatch("([0-9]{1,9})/([0-9]{1,9})", text)
        fold = cls(*map(int, found.groups())) if found else cls(0, 0)
        if not 1 <= fold.number <= fold.of or fold.of < 2:
            raise ZooError(f"val_size must be a number, or a fold of two or more such as 2/5, got {text[:40]!r}")
        return fold


def check_val_size(val_size: ValSize) -> None:
    """Raise ZooError for a size that no validation part could have."""
    if isinstance(val_size, str):
        Fold.parse(val_size)
    elif not (val_size >= 0 and (isinstance(val_size, int) or val_size < 1)):
        raise ZooError(f"val_size must be at least 0, and below 1 if it is a fraction, got {val_size}")


def choose_fold(targets: Tensor, fold: Fold, groups: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Divide examples into folds with equal shares of each class, if they have one each; in the same way each time.

    Args:
        targets: The targets, shape ``(examples,)`` or ``(examples, outputs)``.
        fold: The fold to choose.
        groups: The group of each example, shape ``(examples,)``, if a group must not be divided. The shares are then as
            close as the groups allow.

    Returns:
        The indices of the examples of the other folds, and of this one, both in ascending order.

    Raises:
        ZooError: There are more folds than examples of a class, or than groups.
    """
    targets = targets.reshape(len(targets), -1)
    has_class = targets.shape[1] == 1 and not targets.is_floating_point()
    labels = targets[:, 0] if has_class else torch.zeros(len(targets), dtype=torch.int64)
    generator = torch.Generator().manual_seed(combine_seeds(FOLD_SEED, fold.of))
    folds = _fold(labels, fold.of, generator) if groups is None else _fold_groups(labels, groups, fold.of, generator)
    chosen = folds == fold.number - 1
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def _fold(labels: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return the fold of each example: those of a class are dealt out like cards, and the next class goes on there."""
    folds, dealt = torch.empty_like(labels), 0
    for label in labels.unique():
        of_class = (labels == label).nonzero().flatten()
        if len(of_class) < count:
            kind = "of each class; one has" if len(of_class) < len(labels) else "for training and validation; there are"
            raise ZooError(f"{count} folds need as many examples {kind} {len(of_class)}; give fewer folds")
        cards = (torch.arange(len(of_class)) + dealt) % count
        folds[of_class[torch.randperm(len(of_class), generator=generator)]] = cards
        dealt += len(of_class)
    return folds


def _fold_groups(labels: Tensor, groups: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Return the fold of each example: each group, the largest first, goes where it evens out the classes most."""
    names, of_group = groups.unique(return_inverse=True)
    if len(names) < count:
        raise ZooError(f"{count} folds need as many groups; there are {len(names)}; give fewer folds")
    counts = torch.zeros(len(names), int(labels.max()) + 1)
    counts.index_put_((of_group, labels), torch.ones(len(labels)), accumulate=True)
    shares = counts / counts.sum(0).clamp(min=1)  # a rare class weighs as much as a frequent one
    order = torch.randperm(len(names), generator=generator)
    order = order[counts[order].sum(1).argsort(descending=True, stable=True)]
    filled, sizes, chosen = torch.zeros(count, shares.shape[1]), torch.zeros(count), torch.empty_like(order)
    for place, group in enumerate(order.tolist()):
        empty = sizes == 0
        left = len(order) - place
        # Adding to a fold raises the sum of the squares by twice the product, and a constant.
        cost = (filled * shares[group]).sum(1) + 1e-3 * sizes / len(labels)
        if int(empty.sum()) >= left:  # each of the folds that are empty gets one of the last groups
            cost[~empty] = torch.inf
        best = int(cost.argmin())
        chosen[group] = best
        filled[best] += shares[group]
        sizes[best] += counts[group].sum()
    return chosen[of_group]
