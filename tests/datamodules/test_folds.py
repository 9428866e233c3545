"""Folds: each is the validation part once, with its share of each class, and the test set stays what it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from data_files import write_celeba, write_csv, write_folder, write_texts
from every_data import arguments_of_data
from hypothesis import given
from hypothesis import strategies as st

import zoo
from zoo.datamodules.common import DataModule
from zoo.datamodules.common.folds import Fold, choose_fold

LABELS = st.lists(st.integers(0, 3), min_size=4, max_size=80).map(torch.tensor)


def all_folds(labels: torch.Tensor, count: int, groups: torch.Tensor | None = None) -> list[torch.Tensor]:
    pairs = [choose_fold(labels, Fold(number + 1, count), groups) for number in range(count)]
    for kept, fold in pairs:
        assert torch.equal(torch.cat([kept, fold]).sort().values, torch.arange(len(labels)))
    return [fold for _, fold in pairs]


@given(LABELS, st.integers(2, 6))
def test_each_example_is_in_one_fold_and_each_class_is_shared_equally(labels: torch.Tensor, count: int) -> None:
    if labels.bincount()[labels.unique()].min() < count:
        with pytest.raises(zoo.ZooError, match=r"folds need as many examples .*; give fewer folds"):
            all_folds(labels, count)
        return
    folds = all_folds(labels, count)
    assert torch.equal(torch.cat(folds).sort().values, torch.arange(len(labels)))
    sizes = [len(fold) for fold in folds]
    assert max(sizes) - min(sizes) <= 1
    of_class = torch.stack([labels[fold].bincount(minlength=4) for fold in folds])
    assert int((of_class.max(0).values - of_class.min(0).values).max()) <= 1


@given(LABELS, st.integers(2, 12), st.integers(2, 6))
def test_groups_stay_together(labels: torch.Tensor, groups: int, count: int) -> None:
    of_group = torch.arange(len(labels)) % groups
    if len(of_group.unique()) < count:
        with pytest.raises(zoo.ZooError, match="folds need as many groups"):
            all_folds(labels, count, of_group)
        return
    folds = all_folds(labels, count, of_group)
    assert torch.equal(torch.cat(folds).sort().values, torch.arange(len(labels)))
    assert all(len(fold) for fold in folds)
    names = [name for fold in folds for name in of_group[fold].unique().tolist()]
    assert len(names) == len(set(names))


def test_groups_of_equal_size_give_folds_with_equal_shares_of_the_classes() -> None:
    groups = torch.arange(400) // 10
    labels = (groups % 4 == 0).long()  # ten groups of one class, thirty of the other
    for fold in all_folds(labels, 5, groups):
        assert labels[fold].bincount().tolist() == [60, 20]


@pytest.mark.parametrize("targets", [torch.rand(30, 1), torch.rand(30), torch.zeros(30, 40, dtype=torch.int64)])
def test_numbers_and_several_labels_are_no_classes(targets: torch.Tensor) -> None:
    assert [len(fold) for fold in all_folds(targets, 7)] == [5, 5, 4, 4, 4, 4, 4]


@pytest.mark.parametrize("text", ["0/5", "6/5", "1/1", "a/5", "2/5/6", "-1/5", "1.5/5", "", "fast", "1/99999999999"])
def test_what_is_no_fold(text: str) -> None:
    with pytest.raises(zoo.ZooError, match="val_size must be a number, or a fold of two or more such as 2/5"):
        zoo.create_datamodule("digits", val_size=text)


def load(name: str, val_size: object = 0, **arguments: Any) -> DataModule:
    data = zoo.create_datamodule(name, val_size=val_size, **arguments)
    data.prepare_data()
    data.setup()
    return data


def check_folds(name: str, count: int, **arguments: Any) -> None:
    """Check that the folds of a data set divide what it trains on without a validation part, and nothing else."""
    whole = load(name, **arguments)
    folds = [load(name, f"{number}/{count}", **arguments) for number in range(1, count + 1)]
    assert {len(data.splits["train"]) + len(data.splits["val"]) for data in folds} == {len(whole.splits["train"])}
    assert sum(len(data.splits["val"]) for data in folds) == len(whole.splits["train"])
    for data in folds:
        assert torch.equal(data.splits["test"].labels(), whole.splits["test"].labels())
    held_out = torch.cat([data.splits["val"].labels() for data in folds])
    assert torch.equal(held_out.sort(0).values, whole.splits["train"].labels().sort(0).values)
    if whole.target == "class" and not arguments.get("group"):
        counts = torch.stack([data.splits["val"].labels().bincount(minlength=len(whole.classes)) for data in folds])
        assert int((counts.max(0).values - counts.min(0).values).max()) <= 1


@pytest.mark.parametrize("name", sorted(set(zoo.list_datamodules()) - {"celeba"}))
def test_folds_of_every_data_set(name: str, tmp_path: Path) -> None:
    arguments = arguments_of_data(name, tmp_path)
    check_folds(name, 2, **arguments)
    check_folds(name, 2, **arguments)  # of a cache
    with pytest.raises(zoo.ZooError, match="folds need as many examples"):
        load(name, "1/100000", **arguments)


def test_folds_divide_training_and_validation_photos(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    folds = [load("celeba", f"{number}/4", root=str(tmp_path)).splits for number in (1, 2, 3, 4)]
    names = [name for splits in folds for name in splits["val"].names]
    assert len(set(names)) == len(names) == 16 + 7
    assert all(len(splits["test"]) == 7 for splits in folds)


def test_groups_of_a_table_stay_together(tmp_path: Path) -> None:
    check_folds("csv", 3, **{**write_csv(tmp_path), "drop": "price", "group": "group"})
    check_folds("text", 3, **write_texts(tmp_path), group="id")
    with pytest.raises(zoo.ZooError, match="folds need as many groups"):
        load("csv", "1/50", **{**write_csv(tmp_path), "drop": "price", "group": "group"})


def test_numbers_of_a_table_are_divided_at_random(tmp_path: Path) -> None:
    check_folds("csv", 4, **{**write_csv(tmp_path), "target": "price", "drop": "kind,group"})


def test_a_validation_part_of_its_own_is_divided_too(tmp_path: Path) -> None:
    x, y = torch.rand(60, 4), torch.arange(60) % 3
    arrays = [load("arrays", f"{n}/3", x_train=x[:40], y_train=y[:40], x_val=x[40:], y_val=y[40:]) for n in (1, 2, 3)]
    assert sum(len(data.splits["val"]) for data in arrays) == 60 - 8  # a fifth of the 40 is the test set
    usual = load("arrays", x_train=x[:40], y_train=y[:40], x_val=x[40:], y_val=y[40:])
    for data in arrays:
        assert all(map(torch.equal, data.splits["test"].tensors, usual.splits["test"].tensors))
    for part in ("train", "val", "test"):
        write_folder(tmp_path / "pictures" / part, {"cat": 6, "dog": 4})
        for name in ("good", "bad"):
            folder = tmp_path / "texts" / part / name
            folder.mkdir(parents=True)
            for number in range(5):
                (folder / f"{number}.txt").write_text(f"{name} {part} {number}", encoding="utf-8")
    pictures = [load("folder", f"{n}/4", root=str(tmp_path / "pictures"), num_workers=0).splits for n in (1, 2, 3, 4)]
    names = [name for splits in pictures for name in splits["val"].names]
    assert len(set(names)) == len(names) == 20
    assert all(len(splits["test"]) == 10 for splits in pictures)
    texts = [load("text", f"{n}/5", path=str(tmp_path / "texts"), min_frequency=1).splits for n in range(1, 6)]
    assert [len(splits["val"]) for splits in texts] == [4] * 5
    assert all(len(splits["test"]) == 10 for splits in texts)
