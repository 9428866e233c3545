"""Runs on a table of the user's own, from training to predictions."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest
import torch
from conftest import Command, load_script
from data_files import write_csv
from running import LAST, ONE_EPOCH, crash_at, load, weights

import zoo

ON_CPU = ("--trainer.accelerator", "cpu")


def leaves(folder: Path, **arguments: str) -> list[str]:
    """Return the options of a table that is written to the folder."""
    given = write_csv(folder) | {"drop": "price,group", **arguments}
    return ["--data", "csv", *(word for key, value in given.items() for word in (f"--data.{key}", value))]


@pytest.mark.parametrize("name", ["slp", "mlp", "fcnet", "ffnn"])
def test_networks_of_flat_inputs_learn_the_classes(name: str, tmp_path: Path, zoo_command: Command) -> None:
    epochs = ("--trainer.max_epochs", 60, "--model.lr", 0.5 if name in ("slp", "mlp") else 0.01)
    done = zoo_command("fit", name, *leaves(tmp_path), "--data.batch_size", 8, *epochs, *ON_CPU)
    assert done.code == 0, done.err
    assert "targets: 3 classes, a, b, c" in done.out.splitlines()
    results = json.loads(Path(f"runs/{name}-csv/1/results.json").read_text(encoding="utf-8"))
    assert results["metrics"]["test"]["acc"] >= 0.75
    assert results["sizes"] == {"train": 43, "val": 5, "test": 12}


def test_a_line_is_learned_with_its_mean(tmp_path: Path, zoo_command: Command) -> None:
    words = leaves(tmp_path, target="price", drop="kind,color,group")
    done = zoo_command("fit", "linear", *words, "--trainer.max_epochs", 200, *ON_CPU)
    assert done.code == 0, done.err
    assert "targets: numbers" in done.out.splitlines()
    model = zoo.load_model(f"runs/linear-csv/1/{LAST}")
    values = model.predict([{"width": 0, "height": 0}, {"width": 1, "height": 0}, {"width": 0, "height": 1}]).values
    assert torch.allclose(values[:, 0], torch.tensor([100.0, 103.0, 98.0]), atol=0.05)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("linear", {}, "LinearRegression predicts numbers, but the targets are classes; networks that predict classes"),
        (
            "mlp",
            {"target": "price"},
            "MLP predicts classes, but the targets are numbers; networks that predict numbers",
        ),
        ("xor", {}, "the network 'xor' cannot be trained on 'csv', which has table inputs and class or value targets"),
        ("custom_function", {"target": "price"}, "the network 'custom_function' cannot be trained on 'csv'"),
        ("convnet", {}, "the network 'convnet' cannot be trained on 'csv'"),
        ("mlp", {"target": "kinds"}, "leaves.csv has no column 'kinds' (--data.target); did you mean 'kind'?"),
        ("mlp", {"path": "nowhere.csv"}, "nowhere.csv does not exist"),
    ],
)
def test_what_cannot_be_learned_is_one_line_before_anything_is_written(
    name: str, options: dict[str, str], message: str, tmp_path: Path, zoo_command: Command
) -> None:
    done = zoo_command("fit", name, *leaves(tmp_path, **{"drop": "group", **options}))
    assert done.code == 2
    assert message in done.err
    assert done.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["leaves.csv"]


def test_a_run_that_crashed_goes_on_to_the_same_end_wherever_the_file_is(
    tmp_path: Path, zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["fit", "ffnn", *leaves(tmp_path, missing="mean"), "--data.batch_size", "8", "--trainer.max_epochs", "4"]
    words += [*ON_CPU, "--checkpoint_every", "1"]
    assert zoo_command(*words, "--out", "whole").code == 0
    crash_at(9, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--out", "crashed")
    Path("leaves.csv").rename("moved.csv")
    done = zoo_command(
        "fit", "ffnn", "--data", "csv", "--data.path", "moved.csv", "--out", "crashed", "--ckpt_path", "last"
    )
    assert done.code == 0, done.err
    whole, resumed = (load(f"{out}/ffnn-csv/1/{LAST}") for out in ("whole", "crashed"))
    for part in torture.PARTS:
        assert torture.equal(whole[part], resumed[part]), part
    assert whole["zoo"] == resumed["zoo"]


@pytest.fixture
def run(tmp_path: Path, zoo_command: Command) -> str:
    """The checkpoint of a network of leaves."""
    assert zoo_command("fit", "mlp", *leaves(tmp_path), *ONE_EPOCH).code == 0
    return f"runs/mlp-csv/1/{LAST}"


def test_a_tested_network_uses_what_it_learned(run: str, zoo_command: Command) -> None:
    metrics = json.loads(Path("runs/mlp-csv/1/results.json").read_text(encoding="utf-8"))["metrics"]["test"]
    done = zoo_command("test", "--ckpt", run, *ON_CPU)
    assert done.code == 0, done.err
    assert f"{metrics['acc']:.4f}" in done.out
    # Another table: two of the classes, and other means.
    lines = [line for line in Path("leaves.csv").read_text(encoding="utf-8").splitlines() if ",a," not in line]
    Path("other.csv").write_text("\n".join(lines), encoding="utf-8")
    done = zoo_command("test", "--ckpt", run, "--data.path", "other.csv", *ON_CPU)
    assert done.code == 0, done.err
    data = zoo.create_datamodule("csv", path="other.csv", target="kind")
    data.use_transform(zoo.load_model(run).transform)
    data.setup()
    assert data.classes == ("a", "b", "c")
    assert set(data.splits["train"].tensors[1].tolist()) == {1, 2}
    Path("other.csv").write_text("\n".join(lines).replace(",b,", ",z,"), encoding="utf-8")
    done = zoo_command("test", "--ckpt", run, "--data.path", "other.csv")
    assert done.code == 2
    assert "other.csv, line 2: the trained network has no class 'z'" in done.err
    Path("other.csv").write_text("\n".join(lines).replace("width", "breadth"), encoding="utf-8")
    done = zoo_command("test", "--ckpt", run, "--data.path", "other.csv")
    assert "other.csv has no column 'width' (an input of the trained network)" in done.err


def test_rows_and_files_of_rows_are_predicted(run: str, zoo_command: Command) -> None:
    row = "0.5,4.5,red"
    answer = zoo_command("predict", "--ckpt", run, row).out.removeprefix(row)
    files = {
        "alone.csv": row,
        "whole.csv": "0.5,4.5,red,a,103.2,g1",
        "named.csv": "height,color,width,note\n4.5,red,0.5,x",
        "quoted.csv": '"width";"height";"color"\n0.5;4.5;"red\n"',
        "tabs.tsv": row.replace(",", "\t"),
    }
    for name, content in files.items():
        Path(name).write_text(content + "\n", encoding="utf-8")
    done = zoo_command("predict", "--ckpt", run, *files)
    assert done.code == 0, done.err
    assert done.out.count(answer.strip()) == len(files)
    model = zoo.load_model(run)
    named = {"color": "red", "height": 4.5, "width": 0.5}
    assert torch.equal(model.predict(named).values, model.predict([0.5, 4.5, "red"]).values)
    assert torch.equal(model.predict([named, named]).values, model.predict([[0.5, 4.5, "red"]] * 2).values)
    assert f"{model.predict(named).labels[0]}  {float(model.predict(named).values.max()):.4f}" == answer.strip()


def test_rows_that_cannot_be_predicted_are_one_line_each(run: str, zoo_command: Command) -> None:
    Path("bad.csv").write_text("width,height,color\n1,2,red\n1,x,red\n1,2,pink\n,2,red\n", encoding="utf-8")
    Path("lacks.csv").write_text("width,color\n1,red\n2,red\n", encoding="utf-8")
    Path("ragged.csv").write_text("1,2,red\n1,2\n", encoding="utf-8")
    done = zoo_command("predict", "--ckpt", run, "1,2", "bad.csv", "lacks.csv", "ragged.csv", "none.csv")
    assert done.code == 2
    assert len(done.out.splitlines()) == 1
    errors = [
        "1,2: expected 3 values (width, height, color), got 2: '1, 2'",
        "bad.csv, line 3: column 'height' has 'x', expected a number",
        "bad.csv, line 4: column 'color' has 'pink', which it did not have in training",
        "bad.csv, line 5: column 'width' is missing",
        "lacks.csv has no column 'height' (an input of the trained network); it has width, color",
        "ragged.csv, line 2: 2 values, expected 3, as in the first",
        "none.csv does not exist",
    ]
    for error, line in zip(errors, done.err.splitlines(), strict=True):
        assert error in line


def test_other_names_of_columns_are_one_error_of_the_file(run: str, zoo_command: Command) -> None:
    files = {
        "breadth,tallness,shade\n1,2,red\n2,3,red\n": "f.csv has no column 'width' (an input of the trained network)",
        "breadth,tallness,shade,kind,price,group\n1,2,red,a,1,g\n": "it has breadth, tallness, shade, kind, price",
        "widht,heigth,colour\n1,2,red\n": "no column 'width' (an input of the trained network); did you mean 'widht'?",
        '"";width;color\n0;1;red\n1;2;red\n': "f.csv has no column 'height'",
    }
    for content, message in files.items():
        Path("f.csv").write_text(content, encoding="utf-8")
        done = zoo_command("predict", "--ckpt", run, "f.csv")
        assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
        assert message in done.err
        done = zoo_command("predict", "--ckpt", run, "f.csv", "--out", "p.csv")
        assert (done.code, done.out[:1]) == (2, "1")
    # Rows without names are still rows, the first one too, and each fails on its own.
    Path("f.csv").write_text("x,2,red\n1,2,red\n", encoding="utf-8")
    done = zoo_command("predict", "--ckpt", run, "f.csv")
    assert (done.code, done.out.count("\n"), done.err.count("\n")) == (2, 1, 1)
    assert "f.csv, line 1: column 'width' has 'x'" in done.err
    Path("f.csv").write_text("NA,NA,NA\n1,2,red\n", encoding="utf-8")
    assert "f.csv, line 1: column 'width' is missing" in zoo_command("predict", "--ckpt", run, "f.csv").err


def test_what_was_learned_is_exported(run: str, zoo_command: Command) -> None:
    assert zoo_command("export", "--ckpt", run, "--format", "safetensors", "--out", "leaves.safetensors").code == 0
    safetensors = pytest.importorskip("safetensors")
    with safetensors.safe_open("leaves.safetensors", "pt") as file:
        metadata = json.loads(file.metadata()["zoo"])
    assert metadata["transform"] == zoo.load_model(run).transform.spec()
    assert metadata["classes"] == ["a", "b", "c"]


def test_two_processes_measure_exactly_what_one_does(
    tmp_path: Path, zoo_process: Command, zoo_command: Command
) -> None:
    sizes = ("--data.test_size", 13, "--data.val_size", 7, "--data.batch_size", 8)  # the batches can be halved
    words = ["fit", "mlp", *leaves(tmp_path), *sizes, "--trainer.max_epochs", 2, *ON_CPU]
    together = zoo_process(*words, "--out", "two", "--trainer.devices", 2, "--trainer.strategy", "ddp")
    assert together.code == 0, together.err
    assert together.out.count("targets: 3 classes, a, b, c") == 1
    assert zoo_command(*words, "--out", "one").code == 0
    one, two = (Path(out, "mlp-csv", "1") for out in ("one", "two"))
    for key, value in weights(one / LAST).items():
        assert torch.allclose(value, weights(two / LAST)[key], rtol=0, atol=1e-6)
    found = [json.loads((run / "results.json").read_text(encoding="utf-8")) for run in (one, two)]
    assert found[0]["metrics"]["test"]["acc"] == found[1]["metrics"]["test"]["acc"]


@pytest.mark.parametrize("table", ["iris", "diabetes"])
def test_the_zoo_learns_what_scikit_learn_learns(table: str) -> None:
    compare_sklearn = load_script("compare_sklearn")
    ours, theirs = compare_sklearn.compare(table)
    assert theirs > 40
    assert ours >= theirs - compare_sklearn.POINTS


def test_weights_of_one_table_start_a_run_on_another(tmp_path: Path, zoo_command: Command) -> None:
    words = leaves(tmp_path)
    assert zoo_command("fit", "mlp", *words, *ONE_EPOCH).code == 0
    start = Path("runs/mlp-csv/1") / LAST
    path = tmp_path / "leaves.csv"
    path.write_text(path.read_text(encoding="utf-8").replace(",c,", ",d,"), encoding="utf-8")
    done = zoo_command("fit", "mlp", "--weights", start, *words, *ONE_EPOCH)
    assert done.code == 0, done.err
    assert "head fc2 is new" in done.out
    before, after = (zoo.load_model(Path("runs/mlp-csv", run) / LAST) for run in "12")
    assert after.classes == ("a", "b", "d")
    assert after.transform.parts.columns == before.transform.parts.columns  # inputs keep their meaning
    path.write_text(path.read_text(encoding="utf-8").replace("width,", "breadth,", 1), encoding="utf-8")
    done = zoo_command("fit", "mlp", "--weights", start, *words, *ONE_EPOCH)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "has no column 'width'" in done.err


def test_a_table_that_has_grown_is_not_resumed_onto_its_former_test_rows(tmp_path: Path, zoo_command: Command) -> None:
    words = ("fit", "mlp", *leaves(tmp_path), *ON_CPU)
    assert zoo_command(*words, "--trainer.max_epochs", 1).code == 0
    path = tmp_path / "leaves.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([*lines, *lines[1:20]]) + "\n", encoding="utf-8")
    done = zoo_command(*words, "--trainer.max_epochs", 2, "--ckpt_path", "last")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "the data has changed since the run began: its train split had 43 examples, now " in done.err


def test_the_order_of_columns_is_that_of_the_file(tmp_path: Path, zoo_command: Command) -> None:
    words = leaves(tmp_path, columns="height,width")
    assert zoo_command("fit", "mlp", *words, *ONE_EPOCH).code == 0
    named, unnamed = "width,height\n1.5,-4\n", "1.5,-4\n"
    for name, text in (("named.csv", named), ("unnamed.csv", unnamed)):
        Path(name).write_text(text, encoding="utf-8")
    answers = [zoo_command("predict", "--ckpt", f"runs/mlp-csv/1/{LAST}", f) for f in ("named.csv", "unnamed.csv")]
    assert answers[0].out == answers[1].out != ""
    Path("twice.csv").write_text("width,width,height\n1,2,3\n", encoding="utf-8")
    done = zoo_command("predict", "--ckpt", f"runs/mlp-csv/1/{LAST}", "twice.csv")
    assert (done.code, done.err) == (2, "zoo: error: twice.csv has two columns of the same name\n")


def test_names_of_classes_may_be_signed_numbers_words_of_yaml_and_formulas(
    tmp_path: Path, zoo_command: Command
) -> None:
    for number, (one, other) in enumerate((("-1", "1"), ("no", "yes"), ("$x_$", "$y^$")), start=1):
        rows = "".join(f"{i % 2 * 3 + i / 50},{(one, other)[i % 2]}\n" for i in range(60))
        Path("t.csv").write_text(f"width,kind\n{rows}", encoding="utf-8")
        weight = ("--model.class_weight", f"{{{one}: 2.0, {other}: 1.0}}") if number < 3 else ()
        words = ("--data", "csv", "--data.path", "t.csv", "--data.target", "kind", *weight, *ONE_EPOCH)
        done = zoo_command("fit", "mlp", *words)
        assert done.code == 0, done.err
        assert Path(f"runs/mlp-csv/{number}/confusion.png").exists()
        ckpt = f"runs/mlp-csv/{number}/{LAST}"
        assert zoo_command("predict", "--ckpt", ckpt, "t.csv", "--out", "p.csv").code == 0
        labels = {line.split(",")[2] for line in Path("p.csv").read_text(encoding="utf-8").splitlines()[1:]}
        assert labels <= {one, other}
