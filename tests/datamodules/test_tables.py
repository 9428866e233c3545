"""Tables."""

from __future__ import annotations

from pathlib import Path

import torch
from conftest import Command

import zoo


def test_tables_are_as_documented() -> None:
    quadratic = zoo.create_datamodule("quadratic", noise=0.0)
    quadratic.setup()
    x, y = quadratic.splits["train"].batch(list(range(30)))
    assert torch.allclose(y, x @ torch.tensor([[2.0], [3.0]]))
    assert float(x[0, 0]) == 4
    function = zoo.create_datamodule("custom_function", a=3.0, b=0.5)
    function.setup()
    x, y = function.splits["test"].batch(list(range(100)))
    assert (x[:, 1] > 0).all()
    assert torch.allclose(y[:, 0], 3 * x[:, 0] * x[:, 1].log() + 0.5 * x[:, 1] ** 2)
    xor = zoo.create_datamodule("xor")
    xor.setup()
    x, y = xor.splits["train"].batch([0, 1, 2, 3])
    assert y.flatten().tolist() == [0, 1, 1, 0]


def test_rows_of_numbers_are_predicted(zoo_command: Command) -> None:
    assert zoo_command("fit", "linear", "--trainer.max_epochs", 3).code == 0
    Path("rows.csv").write_text("1,1\nnan,1\n", encoding="utf-8")
    Path("empty.csv").touch()
    Path("folder").mkdir()
    last = "runs/linear-quadratic/1/checkpoints/last.ckpt"
    words = ("4,1", "-1,2", "1,2,3", "one,two", "rows.csv", "empty.csv", "none.csv", "folder")
    done = zoo_command("predict", "--ckpt", last, *words)
    assert done.code == 2
    assert len(done.out.splitlines()) == 3
    errors = [
        *("1,2,3", "neither a comma-separated row of numbers nor a file", "rows.csv, line 2: ", "empty.csv is empty"),
        *("none.csv does not exist", "folder is a directory"),
    ]
    for part, line in zip(errors, done.err.splitlines(), strict=True):
        assert part in line
    done = zoo_command("predict", "--model", "custom_function", "--weights", "custom_function", "1,-1")
    assert done.code == 2
    assert "the prediction is not finite" in done.err
