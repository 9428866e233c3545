"""How data sets without a division of their own are split."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.datamodules.common.splitting import divide, hold_out

LABELS = st.lists(st.integers(0, 4), min_size=5, max_size=80).map(torch.tensor)


@given(LABELS, st.floats(0.05, 0.6))
def test_every_class_gives_its_share(labels: torch.Tensor, share: float) -> None:
    count = max(1, round(share * len(labels)))
    kept, held_out = hold_out(labels, count)
    assert len(held_out) == count
    assert torch.equal(torch.cat([kept, held_out]).sort().values, torch.arange(len(labels)))
    wanted = torch.bincount(labels) * count / len(labels)
    found = torch.bincount(labels[held_out], minlength=len(wanted))
    assert (found - wanted).abs().max() < 1


@given(LABELS, st.integers(2, 6), st.floats(0.2, 0.5))
def test_no_group_is_on_both_sides(labels: torch.Tensor, groups: int, share: float) -> None:
    of_group, count = torch.arange(len(labels)) % groups, max(1, round(share * len(labels)))
    if count < torch.bincount(of_group).min():
        with pytest.raises(zoo.ZooError, match="no group is small enough"):
            hold_out(labels, count, of_group)
        return
    kept, held_out = hold_out(labels, count, of_group)
    assert not set(of_group[kept].tolist()) & set(of_group[held_out].tolist())
    assert 0 < len(held_out) <= count


def test_the_choice_is_the_same_each_time_and_the_test_set_does_not_depend_on_val_size() -> None:
    labels = torch.arange(100) % 3
    one, same, other = (divide(labels, val_size, 0.2) for val_size in (0.1, 0.1, 30))
    assert all(torch.equal(one[split], same[split]) for split in one)
    assert torch.equal(one["test"], other["test"])
    assert {split: len(indices) for split, indices in one.items()} == {"train": 72, "test": 20, "val": 8}
    assert len(other["val"]) == 30
    assert len(divide(labels, 0, 0.2)["val"]) == 0
    assert not set(one["val"].tolist()) & set(one["test"].tolist())


@pytest.mark.parametrize(
    ("sizes", "message"),
    [
        ((0, 1.0 - 1e-9), "test_size .* leaves nothing to train on: the training set has 10 examples"),
        ((8, 0.2), "val_size 8 leaves nothing to train on: the training set has 8 examples"),
        ((0.01, 0), "val_size 0.01 of 10 examples is less than one"),
    ],
)
def test_sizes_that_make_no_sense(sizes: tuple[float, float], message: str) -> None:
    with pytest.raises(zoo.ZooError, match=message):
        divide(torch.arange(10) % 2, *sizes)
