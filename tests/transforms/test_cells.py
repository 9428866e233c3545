"""Rows of tables with named columns, as the transform ``Table`` takes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

import zoo
from zoo.transforms import Learned, Table, from_spec, input_shape
from zoo.transforms.cells import Column

COLUMNS = (
    Column("width", mean=2.0, std=0.5),
    Column("color", categories=("blue", "red")),
    Column("ripe", categories=("FALSE", "TRUE"), missing="TRUE"),
)
HEADER = ("id", "width", "kind", "color", "ripe")
TABLE = Table.of(Learned(COLUMNS, HEADER, "kind", ("a", "b")))
EXPECTED = [2.0, 0.0, 1.0, 0.0, 1.0]


@pytest.mark.parametrize(
    "row",
    [
        ["3", "red", "TRUE"],
        (3, " red ", True),
        [3.0, "red", ""],
        {"ripe": None, "color": "red", "width": np.float32(3), "kind": "?"},
        {"width": torch.tensor(3), "color": "red", "ripe": float("nan")},
        np.array([3, "red", "TRUE"], dtype=object),
        ["7", "3", "red", "TRUE"],  # all of the file but the target
        ["7", "3", "a", "red", "TRUE"],
    ],
)
def test_rows_are_lists_or_dictionaries(row: Any) -> None:
    assert TABLE(row).tolist() == EXPECTED
    assert TABLE.is_one(row)
    assert [TABLE(one).tolist() for one in TABLE.several([row, row])] == [EXPECTED] * 2


def test_a_number_as_target_adds_a_one_for_the_mean() -> None:
    table = Table.of(Learned(COLUMNS[:1], ("width", "price"), "price", ()))
    assert table([2.5]).tolist() == [1.0, 1.0]
    assert input_shape(table) == (2,)


def test_a_table_survives_as_plain_values() -> None:
    again = from_spec(json.loads(json.dumps(TABLE.spec())))
    assert again == TABLE
    assert again.parts == Learned(COLUMNS, HEADER, "kind", ("a", "b"))
    assert input_shape(again) == (5,)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([1, "red"], "expected 3 values (width, color, ripe), got 2: '1, red'"),
        ({"width": 1, "ripe": True}, "the row has no column 'color'; expected width, color, ripe"),
        ({"widht": 1, "color": "red", "ripe": True}, "the row has no column 'width'; did you mean 'widht'?"),
        ([1, "rde", True], "column 'color' has 'rde', which it did not have in training; did you mean 'red'?"),
        ([1, "x", True], "column 'color' has 'x', which it did not have in training; it had blue, red"),
        (["x", "red", True], "column 'width' has 'x', expected a number"),
        (["1_0", "red", True], "column 'width' has '1_0', expected a number"),
        (["inf", "red", True], "column 'width' has 'inf', expected a finite number"),
        ([10**400, "red", True], "column 'width' has '1000000000000000000000000000000000000000', expected a number"),
        ([1e300, "red", True], "has a number that is too large"),
        ([None, "red", True], "column 'width' is missing"),
        (["NA", "red", True], "column 'width' is missing"),
        ([1, "", True], "column 'color' is missing"),
        ("red", "expected a row with width, color, ripe, got 'red'"),
        (3, "expected a row with width, color, ripe, got '3'"),
    ],
)
def test_what_is_wrong_with_a_row_is_one_line(row: Any, message: str) -> None:
    with pytest.raises(zoo.ZooError) as raised:
        TABLE(row)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def changed(change: Callable[[dict[str, Any]], object]) -> str:
    content = json.loads(TABLE.learned)
    change(content)
    return json.dumps(content)


HOSTILE: dict[str, str] = {
    "no JSON": "{",
    "nested": "[" * 100_000,
    "a list": "[]",
    "a number": "1",
    "nothing": "{}",
    "a huge number": changed(lambda c: c["columns"][0].update(mean=10)).replace("10", "1" * 5000),
    "more": changed(lambda c: c.update(more=1)),
    "no columns": changed(lambda c: c.update(columns=[])),
    "a column is a text": changed(lambda c: c.update(columns=["width"])),
    "no name": changed(lambda c: c["columns"][0].pop("name")),
    "another part": changed(lambda c: c["columns"][0].update(code="x")),
    "a column that the file has not": changed(lambda c: c["columns"][0].update(name="x")),
    "the target as input": changed(lambda c: c["columns"][0].update(name="kind")),
    "a column twice": changed(lambda c: c["columns"].append(c["columns"][0])),
    "mean is NaN": changed(lambda c: c["columns"][0].update(mean=float("nan"))),
    "mean is text": changed(lambda c: c["columns"][0].update(mean="1")),
    "mean is true": changed(lambda c: c["columns"][0].update(mean=True)),
    "std is 0": changed(lambda c: c["columns"][0].update(std=0)),
    "std is negative": changed(lambda c: c["columns"][0].update(std=-1.0)),
    "missing is infinite": changed(lambda c: c["columns"][0].update(missing=float("inf"))),
    "missing is no category": changed(lambda c: c["columns"][1].update(missing="green")),
    "missing is a number": changed(lambda c: c["columns"][1].update(missing=0)),
    "categories are numbers": changed(lambda c: c["columns"][1].update(categories=[1, 2])),
    "categories are a text": changed(lambda c: c["columns"][1].update(categories="ab")),
    "a category twice": changed(lambda c: c["columns"][1].update(categories=["a", "a"])),
    "too many": changed(lambda c: c["columns"][1].update(categories=[*map(str, range(1_000_000))])),
    "target is a number": changed(lambda c: c.update(target=1)),
    "target is not in the file": changed(lambda c: c.update(target="x")),
    "one class": changed(lambda c: c.update(classes=["a"])),
    "classes are null": changed(lambda c: c.update(classes=None)),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_what_was_not_learned_is_refused(case: str) -> None:
    with pytest.raises(
        zoo.ZooError, match=r"^the transform Table expects JSON of columns, header, target and classes$"
    ):
        from_spec({"name": "Table", "learned": HOSTILE[case]})


def test_tables_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"ripe": [True, pandas.NA], "kind": ["a", "b"], "color": ["red"] * 2, "width": [3, 3.0]})
    assert [TABLE(row).tolist() for row in TABLE.several(frame)] == [EXPECTED] * 2
    assert [TABLE(row).tolist() for row in TABLE.several(frame.iloc[0])] == [EXPECTED]
    for wrong in (frame.rename(columns=str.upper), frame.rename(columns=str.upper).iloc[0]):
        with pytest.raises(zoo.ZooError, match=r"the row has no column '\w+'"):
            TABLE(TABLE.several(wrong)[0])
    unnamed = pandas.DataFrame([[3, "red", "TRUE"]])
    assert [TABLE(row).tolist() for row in TABLE.several(unnamed)] == [EXPECTED]
