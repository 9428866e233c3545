"""Which examples are held out, for data sets that come without a division into training and test set."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor

from zoo.datamodules.common.folds import Fold, ValSize, choose_fold
from zoo.errors import ZooError
from zoo.kinds import Split
from zoo.support.seeds import combine_seeds

SPLIT_SEED = 0
"""Seed of the choice of validation and test examples, the same in every run, so that runs are comparable."""


def count_of(size: int | float, examples: int, name: str) -> int:
    """Return the number of examples that a size is: a count, or a share if it is a float.

    Args:
        size: The size.
        examples: Number of examples.
        name: Name of the option, for messages.

    Raises:
        ZooError: A share rounds to zero.
    """
    count = round(size * examples) if isinstance(size, float) else size
    if size and not count:
        raise ZooError(f"{name} {size} of {examples} examples is less than one; give a larger fraction")
    return count


def check_test_size(test_size: int | float) -> None:
    """Raise ZooError for a size that no test set could have."""
    if not (test_size > 0 and (isinstance(test_size, int) or test_size < 1)):
        raise ZooError(f"test_size must be above 0, and below 1 if it is a fraction, got {test_size}")


def check_leaves_some(size: int | float, count: int, examples: int, name: str) -> None:
    """Raise ZooError if all examples would be held out."""
    if count >= examples:
        raise ZooError(f"{name} {size} leaves nothing to train on: the training set has {examples} examples")


def divide(
    labels: Tensor,
    val_size: ValSize,
    test_size: int | float,
    groups: Tensor | None = None,
    given: Collection[Split] = (),
    val_given: int = 0,
) -> dict[Split, Tensor]:
    """Divide examples into splits, and return the indices of each, in ascending order.

    The test set is held out first, so that another ``val_size`` does not change it. A size of 0 leaves a split empty.

    Args:
        labels: The class of each example, shape ``(examples,)``; all zeros for regression.
        val_size: Number of examples for validation, or their share of what the test set leaves; or a fold of that.
        test_size: Number of examples for testing, or their share.
        groups: The group of each example, shape ``(examples,)``, if a group must not be divided.
        given: Splits that have examples of their own, for which none are held out.
        val_given: How many of the last examples are those of a validation part of its own. They are divided into folds
            with the others, and not held out for testing.

    Raises:
        ZooError: A size leaves nothing to train on, no group is small enough, or there are too many folds.
    """
    rest, last = torch.arange(len(labels)).split([len(labels) - val_given, val_given])
    splits = {}
    sizes: dict[Split, ValSize] = {"test": test_size, "val": val_size}
    for part, (split, size) in enumerate(sizes.items()):
        if isinstance(size, str):
            rest = torch.cat([rest, last])
        groups_left = None if groups is None else groups[rest]
        if isinstance(size, str):
            kept, held_out = choose_fold(labels[rest], Fold.parse(size), groups_left)
        else:
            count = 0 if split in given else count_of(size, len(rest), f"{split}_size")
            check_leaves_some(size, count, len(rest), f"{split}_size")
            kept, held_out = hold_out(labels[rest], count, groups_left, part)
        rest, splits[split] = rest[kept], rest[held_out]
    return {"train": rest, **splits}


def hold_out(labels: Tensor, count: int, groups: Tensor | None = None, part: int = 0) -> tuple[Tensor, Tensor]:
    """Choose examples at random, in the proportions of their classes; the same ones each time.

    Args:
        labels: The class of each example, shape ``(examples,)``; all zeros for regression.
        count: How many to hold out.
        groups: The group of each example, shape ``(examples,)``; a group is held out as a whole or not at all. With
            groups, fewer than ``count`` may be held out, and the proportions are as close as the groups allow.
        part: Distinguishes several choices among the same examples.

    Returns:
        The indices of the other examples, and of those held out, both in ascending order.

    Raises:
        ZooError: Every group has more examples than are to be held out.
    """
    generator = torch.Generator().manual_seed(combine_seeds(SPLIT_SEED, part))
    chosen = torch.zeros(len(labels), dtype=torch.bool)
    if count:
        wanted = torch.bincount(labels) * (count / len(labels))
        if groups is None:
            for label, several in enumerate(_whole(wanted, count).tolist()):
                of_class = (labels == label).nonzero().flatten()
                chosen[of_class[torch.randperm(len(of_class), generator=generator)[:several]]] = True
        else:
            chosen = _hold_out_groups(labels, wanted, groups, generator)
            if not chosen.any():
                raise ZooError(f"no group is small enough to be one of {count} held-out examples; hold out more")
    return (~chosen).nonzero().flatten(), chosen.nonzero().flatten()


def _whole(wanted: Tensor, count: int) -> Tensor:
    """Return whole numbers near those wanted whose sum is ``count``: the largest remainders are rounded up."""
    whole = wanted.floor()
    missing = count - int(whole.sum())
    whole[(wanted - whole).argsort(descending=True, stable=True)[:missing]] += 1
    return whole.to(torch.int64)


def _hold_out_groups(labels: Tensor, wanted: Tensor, groups: Tensor, generator: torch.Generator) -> Tensor:
    """Return which examples are held out: groups in random order, each if it brings their classes closer."""
    names = groups.unique()
    counts = torch.stack([torch.bincount(labels[groups == group], minlength=len(wanted)) for group in names])
    chosen: list[int] = []
    found, most = torch.zeros_like(wanted), round(float(wanted.sum()))

    def distance(held_out: Tensor) -> float:
        return float((held_out - wanted).square().sum()) if held_out.sum() <= most else torch.inf

    for group in torch.randperm(len(names), generator=generator).tolist():
        if distance(found + counts[group]) < distance(found):
            chosen, found = [*chosen, group], found + counts[group]
    if not chosen:  # none is like the whole; the closest that is small enough will do
        closest = min(range(len(names)), key=lambda group: distance(counts[group]))
        chosen = [closest] if distance(counts[closest]) < torch.inf else []
    return torch.isin(groups, names[chosen])
