"""Tensors and arrays of numpy as a data module."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
from conftest import Command
from PIL import Image
from running import check_resumes, load
from sklearn.datasets import load_diabetes, load_digits, load_iris
from stand_ins import quiet_trainer
from torch.utils.data import TensorDataset

import zoo
from zoo.callbacks import ExactResume

IRIS = load_iris(return_X_y=True)


def arrays(**arguments: Any) -> zoo.datamodules.Arrays:
    data = zoo.create_datamodule("arrays", **arguments)
    assert isinstance(data, zoo.datamodules.Arrays)
    return data


def test_a_table_of_numpy_is_learned_tested_and_predicted(tmp_path: Path) -> None:
    x, y = IRIS
    data = arrays(x_train=x, y_train=y, classes=["setosa", "versicolor", "virginica"], batch_size=16)
    torch.manual_seed(0)
    model = zoo.create_model("mlp", data=data, loss="bce")
    trainer = quiet_trainer(max_epochs=120)
    trainer.fit(model, data)
    assert {split: len(examples) for split, examples in data.splits.items()} == {"train": 108, "val": 12, "test": 30}
    (results,) = trainer.test(model, data, verbose=False)
    assert results["test/acc"] > 0.9
    assert model.predict(x[:1]).labels == ["setosa"]
    trainer.save_checkpoint(tmp_path / "x.ckpt")
    assert load(tmp_path / "x.ckpt")["datamodule_hyper_parameters"]["x_train"] is None
    assert zoo.load_model(tmp_path / "x.ckpt").predict(x[-1:]).labels == ["virginica"]


def test_pictures_of_bytes_are_scaled_and_predicted_from_bytes() -> None:
    bunch = load_digits()
    pictures = np.repeat(np.repeat((bunch.images * 15.9).astype(np.uint8), 4, 1), 4, 2)
    data = arrays(x_train=pictures, y_train=bunch.target)
    model = zoo.create_model("digits_cnn", data=data)
    assert model.hparams["image_size"] == 32
    quiet_trainer(limit_train_batches=3).fit(model, data)
    x, _ = next(iter(data.train_dataloader()))
    assert x.shape == (64, 1, 32, 32)
    assert 0 <= float(x.min()) < float(x.max()) <= 1
    assert model.predict(pictures[0]).values.shape == (1, 10)


def test_numbers_are_predicted_by_linear_regression() -> None:
    x, y = load_diabetes(return_X_y=True)
    data = arrays(x_train=x, y_train=y, val_size=0)
    model = zoo.create_model("linear", data=data)
    quiet_trainer().fit(model, data)
    assert data.splits["train"].tensors[1].shape[1:] == (1,)
    assert data.splits["val"] is data.splits["test"]
    with pytest.raises(zoo.ZooError, match=r"MLP predicts classes, but the targets are numbers; .*: .*linear"):
        zoo.create_model("mlp", data=data)
    with pytest.raises(zoo.ZooError, match="ConvNet expects image inputs, but Arrays has table inputs"):
        zoo.create_model("convnet", data=data)


def test_splits_of_the_users_own_are_kept() -> None:
    x, y = torch.rand(30, 4), torch.arange(30) % 3
    data = arrays(x_train=x[:10], y_train=y[:10], x_val=x[10:15], y_val=y[10:15], x_test=x[15:], y_test=y[15:])
    data.setup()
    assert [len(data.splits[split]) for split in ("train", "val", "test")] == [10, 5, 15]
    assert torch.equal(data.splits["test"].tensors[0], x[15:])


def test_a_run_resumes_to_the_bit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(**options: Any) -> dict[str, torch.Tensor]:
        data = arrays(x_train=IRIS[0], y_train=IRIS[1], batch_size=8, seed=4)
        torch.manual_seed(0)
        model = zoo.create_model("ffnn", data=data)
        last = ExactResume("last.ckpt", every_n_steps=1)
        quiet_trainer(max_epochs=3, callbacks=[last], enable_checkpointing=True).fit(model, data, **options)
        return model.state_dict()

    check_resumes(fit, 20, monkeypatch)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"x_train": torch.rand(3, 2)}, "x_train and y_train belong together"),
        ({"x_val": torch.rand(3, 2), "y_val": torch.arange(3)}, "x_train and y_train are missing"),
        ({"x_train": "abc", "y_train": [0]}, "must be tensors or arrays of numbers"),
        ({"x_train": torch.rand(3, 2), "y_train": torch.arange(3), "test_size": -0.2}, "test_size must be above 0"),
        ({"x_train": torch.rand(3), "y_train": torch.arange(3)}, r"x_train has shape \(3,\), expected rows"),
        ({"x_train": torch.rand(0, 2), "y_train": torch.arange(0)}, r"x_train has shape \(0, 2\)"),
        ({"x_train": torch.rand(3, 2), "y_train": torch.arange(4)}, "expected one target for each of 3 examples"),
        ({"x_train": torch.full((3, 2), torch.nan), "y_train": torch.arange(3)}, "x_train has numbers that are not"),
        ({"x_train": torch.rand(3, 2), "y_train": torch.tensor([0, 1, -1])}, "negative class -1"),
        ({"x_train": torch.rand(3, 2), "y_train": torch.zeros(3, dtype=torch.int64)}, "there are 1 classes"),
        ({"x_train": torch.rand(3, 2), "y_train": torch.arange(3), "classes": ["a", "b"]}, "but there are 2 classes"),
        (
            {"x_train": torch.rand(3, 2), "y_train": torch.arange(3), "x_test": torch.rand(3, 1), "y_test": [0, 1, 2]},
            r"x_test \(3, 1\) and y_test \(3,\) are not of the kind of x_train \(3, 2\)",
        ),
    ],
)
def test_what_is_no_data_is_one_line(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(zoo.ZooError, match=message):
        zoo.create_datamodule("arrays", **arguments)


def test_on_the_command_line_there_are_no_arrays(zoo_command: Command) -> None:
    done = zoo_command("fit", "mlp", "--data", "arrays")
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "are for Python" in done.err


class Hub(list[Any]):
    """As a split of Hugging Face's datasets: dictionaries, with features that name the classes."""

    features: ClassVar = {"label": SimpleNamespace(names=["dark", "light"])}


def pictures(count: int = 40) -> list[tuple[Image.Image, int]]:
    return [(Image.new("L", (20 + i, 30), 200 * (i % 2)), i % 2) for i in range(count)]


@pytest.mark.parametrize("hub", [False, True])
def test_data_sets_of_torch_and_of_the_hub_are_wrapped(hub: bool) -> None:
    examples: Any = Hub({"image": x, "label": y} for x, y in pictures()) if hub else pictures()
    data = zoo.create_datamodule("dataset", train=examples, channels=1, batch_size=4)
    model = zoo.create_model("convnet", data=data, num_classes=2)
    quiet_trainer(max_epochs=4).fit(model, data)
    assert data.classes == (("dark", "light") if hub else ("0", "1"))
    assert model.predict(Image.new("RGB", (50, 50), "white")).labels == [data.classes[1]]
    assert data.hparams["train"] is None


def test_tensors_of_a_data_set_are_rows() -> None:
    rows = TensorDataset(torch.rand(30, 4), torch.arange(30) % 3)
    data = zoo.create_datamodule("dataset", train=rows, test=rows)
    data.setup()
    assert len(data.splits["test"]) == 30
    assert zoo.create_model("slp", data=data)(data.splits["test"][0][0].unsqueeze(0)).shape == (1, 3)


def test_attributes_of_other_meanings_are_no_names_of_classes() -> None:
    class Odd(list[Any]):
        features: ClassVar = torch.zeros(3)
        classes: ClassVar = 2

    assert zoo.create_datamodule("dataset", train=Odd(pictures())).classes == ("0", "1")


@pytest.mark.parametrize(
    ("examples", "message"),
    [
        ([1, 2], "example 0 of train is not a pair"),
        ([("text", 1)], "texts are data of --data text"),
        ([{"picture": 1}], "or a dictionary with 'image' and 'label'"),
        ([(torch.rand(3), 0), (torch.rand(4), 1)], "the examples of train differ in shape"),
    ],
)
def test_examples_that_are_not_understood_are_one_line(examples: list[Any], message: str) -> None:
    with pytest.raises(zoo.ZooError, match=message) as raised:
        zoo.create_datamodule("dataset", train=examples)
    assert "\n" not in str(raised.value)
