"""Tables of the user's own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from data_files import write_csv

import zoo
from zoo.datamodules.csv import CSV

LEAVES = "x,color,kind\n" + "".join(f"{number / 7},{'rg'[number % 2]},{'ab'[number % 2]}\n" for number in range(20))


def csv(path: Path, content: str | bytes = LEAVES, **arguments: Any) -> CSV:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    data = zoo.create_datamodule("csv", **{"path": str(path), "target": "kind", **arguments})
    assert isinstance(data, CSV)
    return data


def test_what_a_network_needs_is_known_without_setup(tmp_path: Path) -> None:
    data = zoo.create_datamodule("csv", **write_csv(tmp_path))
    assert data.model_arguments() == {"in_dim": 5, "num_classes": 3, "multilabel": False}
    assert (data.classes, data.target, data.shape) == (("a", "b", "c"), "class", (5,))
    data = zoo.create_datamodule("csv", **write_csv(tmp_path) | {"target": "price", "drop": "group"})
    assert data.model_arguments() == {"in_dim": 2 + 3 + 3 + 1}
    assert (data.classes, data.target) == ((), "value")


def test_numbers_are_standardized_by_the_training_split_alone(tmp_path: Path) -> None:
    data = zoo.create_datamodule("csv", **write_csv(tmp_path), val_size=10)
    data.setup()
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [38, 10, 12]
    train, test = (data.splits[split].tensors[0] for split in ("train", "test"))
    assert torch.allclose(train[:, :2].mean(0), torch.zeros(2), atol=1e-6)
    assert torch.allclose(train[:, :2].std(0, correction=0), torch.ones(2))
    assert (test[:, :2].mean(0).abs() > 1e-3).all()
    assert set(train[:, 2:].flatten().tolist()) == {0, 1}
    assert (train[:, 2:].sum(1) == 1).all()
    assert sorted(data.splits["train"].tensors[1].bincount().tolist()) == [12, 13, 13]


def test_the_same_rows_are_held_out_each_time_and_groups_are_kept_together(tmp_path: Path) -> None:
    arguments = write_csv(tmp_path) | {"target": "price", "drop": "kind", "group": "group", "columns": "width"}
    one, same = (zoo.create_datamodule("csv", **arguments, seed=seed) for seed in (0, 1))
    for data in (one, same):
        data.setup()
    for split in ("train", "val", "test"):
        assert torch.equal(one.splits[split].tensors[1], same.splits[split].tensors[1])
    lines = Path(arguments["path"]).read_text(encoding="utf-8").splitlines()[1:]
    group = {line.split(",")[4]: line.split(",")[5] for line in lines}
    prices = [one.splits[split].tensors[1].flatten().tolist() for split in ("train", "val", "test")]
    groups = [{group[f"{price:.3f}"] for price in of_split} for of_split in prices]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("a.csv", lambda text: "\ufeff" + text),
        ("b.csv", lambda text: text.replace(",", ";")),
        ("c.txt", lambda text: text.replace(",", "\t")),
        ("d.tsv", lambda text: text.replace(",", "\t").replace("\tr\t", '\t" r\n"\t')),
        ("e.csv", lambda text: text.replace("\n", "\r\n")),
        ("f.csv", lambda text: text.replace("\n", "\n\n") + "\n"),
        ("g.csv", lambda text: text.replace(",", " , ")),
        ("h.csv", lambda text: text.rstrip("\n")),
    ],
)
def test_ways_to_write_a_table(name: str, change: Callable[[str], str], tmp_path: Path) -> None:
    plain, other = csv(tmp_path / "plain.csv"), csv(tmp_path / name, change(LEAVES))
    for data in (plain, other):
        data.setup()
    assert all(map(torch.equal, other.splits["train"].tensors, plain.splits["train"].tensors))
    assert other.classes == ("a", "b")


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["yes", "no"], ("no", "yes")),
        (["True", "False"], ("False", "True")),
        (["10", "9"], ("9", "10")),
        (["-1", "1"], ("-1", "1")),
        (["1.0", "0.0"], ()),
        ([str(number) for number in range(25)], ()),
        (["1e3", "2"], ()),
    ],
)
def test_texts_and_few_integers_are_classes_and_other_numbers_are_numbers(
    values: list[str], classes: tuple[str, ...], tmp_path: Path
) -> None:
    rows = [f"{number % 13},{values[number % len(values)]}" for number in range(100)]
    data = csv(tmp_path / "t.csv", "\n".join(["x,kind", *rows]))
    assert data.classes == classes
    data.setup()
    assert data.splits["train"].tensors[1].shape == ((72,) if classes else (72, 1))


def test_missing_values_are_replaced_or_dropped(tmp_path: Path) -> None:
    content = LEAVES + ",r,b\n1,NA,a\n2,r,\n"
    with pytest.raises(zoo.ZooError, match=r"t.csv, line 22: column 'x' is missing; give --data.missing mean or drop"):
        csv(tmp_path / "t.csv", LEAVES + ",r,b\n1,NA,a\n").setup()
    with pytest.raises(zoo.ZooError, match=r"t.csv, line 24: column 'kind' is missing; give --data.missing drop"):
        csv(tmp_path / "t.csv", content, missing="mean").setup()
    data = csv(tmp_path / "t.csv", content, missing="drop")
    data.setup()
    assert sum(len(data.splits[split]) for split in ("train", "val", "test")) == 20
    data = csv(tmp_path / "t.csv", LEAVES + ",r,b\n1,NA,a\n", missing="mean")
    data.setup()
    row = {"x": None, "color": "?"}
    x, color = data.transform.parts.columns
    assert data.transform(row).tolist() == data.transform([x.mean, color.missing]).tolist()
    assert data.transform(row)[0] == 0


def test_a_category_outside_the_training_split_is_all_zeros(tmp_path: Path) -> None:
    data = csv(tmp_path / "t.csv")
    data.setup()
    row = data.splits["test"].tensors[0][0, 0]
    lines = LEAVES.splitlines()
    (line,) = (line for line in lines[1:] if torch.isclose(data.transform([line.split(",")[0], "r"])[0], row))
    lines[lines.index(line)] = line.replace(",r,", ",blue,").replace(",g,", ",blue,")
    data = csv(tmp_path / "t.csv", "\n".join(lines))
    data.setup()
    assert data.transform.parts.columns[1].categories == ("g", "r")
    assert data.splits["test"].tensors[0][0, 1:].tolist() == [0, 0]


WRONG: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "ragged": (LEAVES.replace("\n", ",7\n", 1), {}, "t.csv, line 2: 3 values, expected 4, as in the first"),
    "longer row": (LEAVES + "1,2,3,4\n", {}, "t.csv, line 22: 4 values, expected 3, as in the first"),
    "no such target": (LEAVES, {"target": "kinds"}, "no column 'kinds' (--data.target); did you mean 'kind'?"),
    "no target": (LEAVES, {"target": None}, "give the column to predict: --data.target, one of x, color, kind"),
    "no such input": (LEAVES, {"columns": ["x", "y?"]}, "has no column 'y?' (--data.columns); it has x, color, kind"),
    "no such column to drop": (
        LEAVES,
        {"drop": "colour"},
        "has no column 'colour' (--data.drop); did you mean 'color'?",
    ),
    "no such group": (LEAVES, {"group": "g"}, "has no column 'g' (--data.group)"),
    "target dropped": (
        LEAVES,
        {"drop": "kind"},
        "column 'kind' is the target; it can be neither dropped nor the group",
    ),
    "nothing left": (LEAVES, {"drop": "x,color"}, "t.csv has no column left as input"),
    "constant": (LEAVES.replace("g", "r"), {}, "column 'color' has the same value in all training rows, 'r'; omit it"),
    "constant number": ("x,kind\n" + "7,a\n7,b\n" * 9, {}, "column 'x' has the same value in all training rows, '7'"),
    "all missing": ("x,y,kind\n" + "7,,a\n1,NA,b\n" * 9, {"missing": "mean"}, "column 'y' has no values; omit it"),
    "empty": ("", {}, "t.csv is empty"),
    "blank": ("\n\n", {}, "t.csv is empty"),
    "header alone": ("x,kind\n", {}, "t.csv has the names of columns, but no rows"),
    "a name twice": ("x, x,kind\n1,2,a\n", {}, "t.csv has two columns 'x'; rename one of them"),
    "no name": (",x,kind\n1,2,a\n", {}, "column 1 has no name; give it one, or save the table without its index"),
    "lone row of a class": (LEAVES + "1,r,c\n", {}, "t.csv, line 22 is the only row of class 'c'"),
    "one class": (LEAVES.replace(",b", ",a"), {}, "the target 'kind' has only one value, 'a'"),
    "names as target": (
        "x,kind\n" + "".join(f"{n},n{n}\n" for n in range(30)),
        {},
        "has 30 different texts in 30 rows",
    ),
    "names": ("id,kind\n" + "".join(f"n{n},{'ab'[n % 2]}\n" for n in range(20)), {}, "omit it with --data.drop"),
    "a text among numbers": (LEAVES + "?x,r,a\n", {}, "t.csv, line 22: column 'x' has '?x', but numbers in most rows"),
    "infinity": (
        LEAVES + "inf,r,a\n",
        {"test_size": 1, "val_size": 0},
        "line 22: column 'x' has 'inf', expected a finite",
    ),
    "infinite target": (
        "x,kind\n" + "1,1.5\n2,-inf\n" * 9,
        {},
        "t.csv, line 3: column 'kind' has '-inf', expected a finite",
    ),
    "NaN": (LEAVES + "nan,r,a\n", {}, "t.csv, line 22: column 'x' is missing"),
    "too large": (LEAVES.replace("0.0,", "1e300,"), {"test_size": 1, "val_size": 0}, "numbers that are too large"),
    "UTF-16": (LEAVES.encode("utf-16"), {}, "t.csv is not UTF-8 text"),
    "Latin-1": (LEAVES.replace("r", "ö").encode("latin-1"), {}, "t.csv is not UTF-8 text"),
    "open quote": (LEAVES + '"1,r,a\n', {}, "t.csv, line 22: unexpected end of data; check its quotes"),
    "no missing": (LEAVES, {"missing": "ignore"}, "missing must be refuse, mean or drop, got 'ignore'"),
    "no test": (LEAVES, {"test_size": 0}, "test_size must be above 0, and below 1 if it is a fraction, got 0"),
    "groups as classes": (
        "x,g,kind\n" + "1,p,a\n2,p,a\n" + "3,q,b\n4,r,b\n5,s,c\n6,t,c\n" * 2,
        {"group": "g", "test_size": 0.5, "val_size": 0.4},
        "is left for training; add rows, or hold out less",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_bad_tables_are_one_line(case: str, tmp_path: Path) -> None:
    content, arguments, message = WRONG[case]
    with pytest.raises(zoo.ZooError) as raised:
        csv(tmp_path / "t.csv", content, **arguments).setup()
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert [path.name for path in tmp_path.iterdir()] in (["t.csv"], [])


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (None, "give --data.path FILE and --data.target COLUMN"),
        ("nowhere.csv", "nowhere.csv does not exist; give the file of your table with --data.path"),
        (".", "it is a directory"),
        ("https://a.b/c.csv", "is a URL; download the file"),
    ],
)
def test_no_table_is_one_line(path: str | None, message: str) -> None:
    data = zoo.create_datamodule("csv", path=path, target="kind")
    for call in (data.prepare_data, data.setup, data.model_arguments):
        with pytest.raises(zoo.ZooError, match=message):
            call()


def test_parquet(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(b"PAR1")
    pyarrow = pytest.importorskip("pyarrow", reason="needs the extra parquet")
    from pyarrow import parquet

    with pytest.raises(zoo.ZooError, match=r"t.parquet cannot be read as Parquet"):
        zoo.create_datamodule("csv", path=str(path), target="kind").setup()
    columns = {"x": [number / 7 for number in range(20)], "kind": [number % 2 for number in range(20)]}
    parquet.write_table(pyarrow.table({**columns, "color": [None, *"rg" * 9, "r"]}), path)
    with pytest.raises(zoo.ZooError, match=r"t.parquet, row 1: column 'color' is missing"):
        zoo.create_datamodule("csv", path=str(path), target="kind").setup()
    data = zoo.create_datamodule("csv", path=str(path), target="kind", drop=["color"])
    assert data.classes == ("0", "1")
    same = csv(tmp_path / "t.csv", "\n".join(["x,kind", *(f"{number / 7},{number % 2}" for number in range(20))]))
    assert data.transform.parts.columns == same.transform.parts.columns


def test_parquet_without_its_package_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    (tmp_path / "t.parquet").touch()
    with pytest.raises(zoo.ZooError, match=r"Parquet needs pyarrow: pip install 'lightning-zoo\[parquet\]'"):
        zoo.create_datamodule("csv", path="t.parquet", target="kind").setup()


def test_groups_that_differ_in_spaces_are_one(tmp_path: Path) -> None:
    rows = "".join(f"{i},{'ab'[i % 2]},p{i // 6}{' ' * (i % 2)}\n" for i in range(60))
    (tmp_path / "t.csv").write_text(f"width,kind,patient\n{rows}", encoding="utf-8")
    data = zoo.create_datamodule("csv", path=str(tmp_path / "t.csv"), target="kind", group="patient", val_size=0)
    data.setup()
    mean, std = data.transform.parts.columns[0].mean, data.transform.parts.columns[0].std
    patients = {
        split: {int(value) // 6 for value in (examples.tensors[0][:, 0] * std + mean).round().tolist()}
        for split, examples in data.splits.items()
    }
    assert not patients["train"] & patients["test"]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("width,price\n1,1.5\n2,1e200\n3,2.5\n", {"target": "price"}, "line 3: 'price' is a number that is too large"),
        (
            "width,more,price\n" + "?,1,1.5\n" * 20 + "1,2,2.5\n2,1,0.5\ninf,1,0.5\n" * 20,
            {"target": "price", "missing": "mean"},
            r"line (2[4-9]|[3-8]\d): .*width",
        ),
    ],
)
def test_numbers_that_are_too_large_are_told_with_their_line(
    text: str, options: dict[str, str], message: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    with pytest.raises(zoo.ZooError, match=message) as raised:
        zoo.create_datamodule("csv", path=str(tmp_path / "t.csv"), val_size=0, **options).setup()
    found = re.search(r"line (\d+)", str(raised.value))
    assert found
    assert re.search("inf|1e200", text.splitlines()[int(found[1]) - 1])
