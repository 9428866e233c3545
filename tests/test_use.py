"""Networks inside other people's code."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from conftest import PATIENCE
from lightning.pytorch import LightningDataModule, LightningModule, Trainer
from stand_ins import example
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

import zoo
from zoo.datamodules import Digits
from zoo.models import MLP
from zoo.tasks import Classifier, Regressor, Task
from zoo.tasks.example_inputs import random_inputs

WITH_HEAD = [name for name in zoo.list_models() if zoo.factory.model_class(name).head]

every_network = pytest.mark.parametrize("name", zoo.list_models())
every_head = pytest.mark.parametrize("name", WITH_HEAD)


@every_head
def test_a_backbone_gives_what_the_head_sees(name: str) -> None:
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    features = model.features(x)
    head = getattr(model, str(model.head))
    raw = head(features)
    activated = {"sigmoid": torch.sigmoid, "log_probs": lambda z: z.log_softmax(-1), "logits": lambda z: z}
    assert features.shape == (3, head.in_features)
    assert torch.equal(activated[model.output](raw), model(x))


@every_head
def test_without_classes_a_network_is_its_features(name: str) -> None:
    whole = zoo.create_model(name).eval()
    backbone = zoo.create_model(name, num_classes=0).eval()
    backbone.load_state_dict({k: v for k, v in whole.state_dict().items() if not k.startswith(f"{whole.head}.")})
    x = random_inputs(whole, 3)
    assert torch.equal(backbone(x), whole.features(x))
    for fault in (backbone.configure_optimizers, lambda: backbone.predict(x)):
        with pytest.raises(zoo.ZooError, match="without a head"):
            fault()


def test_a_network_without_a_head_says_so() -> None:
    model = zoo.create_model("linear")
    with pytest.raises(zoo.ZooError, match="no head"):
        model.features(torch.ones(1, 2))


@every_head
def test_a_frozen_backbone_under_a_head_of_ones_own(name: str) -> None:
    torch.manual_seed(0)
    backbone = zoo.create_model(name, num_classes=0).eval().requires_grad_(False)
    x = random_inputs(backbone, 8)
    head = nn.Linear(backbone(x).shape[1], 3)
    before = copy.deepcopy(backbone.state_dict())
    optimizer = torch.optim.SGD([p for p in (*backbone.parameters(), *head.parameters()) if p.requires_grad], lr=0.01)
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(head(backbone(x)), torch.arange(8) % 3)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0]
    assert all(torch.equal(value, before[key]) for key, value in backbone.state_dict().items())


@every_network
def test_a_plain_pytorch_loop_trains_it(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name)
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    x, target = example(model)
    for batch in DataLoader(TensorDataset(x, target), batch_size=4):
        optimizer.zero_grad()
        model.loss(model(batch[0]), batch[1]).backward()
        optimizer.step()
    assert all(not torch.equal(value, before[key]) for key, value in model.state_dict().items())


class Theirs(LightningModule):
    """A module of someone else, which trains a network of the zoo as a part."""

    def __init__(self, network: Task) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        x, target = batch
        loss: Tensor = self.network.loss(self.network(x), target)
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> Any:
        return torch.optim.SGD(self.parameters(), lr=0.01)


@every_network
def test_part_of_someone_elses_lightning_module(name: str) -> None:
    model = Theirs(zoo.create_model(name))
    before = copy.deepcopy(model.network.state_dict())
    trainer = Trainer(
        max_epochs=1, logger=False, enable_checkpointing=False, enable_progress_bar=False, accelerator="cpu"
    )
    trainer.fit(model, DataLoader(TensorDataset(*example(model.network)), batch_size=4))
    assert "loss" in trainer.callback_metrics
    assert any(not torch.equal(value, before[key]) for key, value in model.network.state_dict().items())


@every_network
def test_compiled_it_gives_the_same(name: str) -> None:
    torch._dynamo.reset()
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    compiled = torch.compile(model, backend="aot_eager")
    assert torch.allclose(compiled(x), model(x), atol=1e-6)


@every_network
def test_functional_call_takes_other_parameters(name: str) -> None:
    model, other = zoo.create_model(name).eval(), zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    assert torch.equal(torch.func.functional_call(model, dict(other.named_parameters()), (x,)), other(x))


@every_network
def test_copies_and_pickles_are_equal_and_their_own(name: str) -> None:
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    expected = model(x)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(x), expected)
        with torch.no_grad():
            next(other.parameters()).add_(1)
        assert torch.equal(model(x), expected)


def _answer(tasks: Any, answers: Any) -> None:
    for model, x in iter(tasks.get, None):
        answers.put(model(x).detach().numpy())


@pytest.fixture(scope="module")
def other_process() -> Iterator[tuple[Any, Any]]:
    context = torch.multiprocessing.get_context("spawn")
    tasks, answers = context.Queue(), context.Queue()
    process = context.Process(target=_answer, args=(tasks, answers), daemon=True)
    process.start()
    yield tasks, answers
    tasks.put(None)
    process.join(PATIENCE)
    assert process.exitcode == 0


@every_network
def test_another_process_gives_the_same(name: str, other_process: tuple[Any, Any]) -> None:
    tasks, answers = other_process
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    tasks.put((model, x))
    assert torch.allclose(torch.from_numpy(answers.get(timeout=PATIENCE)), model(x), atol=1e-6)


def test_predictions_are_named_and_leave_the_mode_alone() -> None:
    model = zoo.create_model("ffnn", dropout=0.9).train()
    x = random_inputs(model, 5)
    labels, probabilities = model.predict(x)
    assert isinstance(model, Classifier)
    assert model.training
    assert torch.equal(probabilities, model.predict(x).values)  # no dropout
    assert labels == [str(i) for i in probabilities.argmax(-1).tolist()]
    model.classes = tuple("abcdefghij")
    assert model.predict(x).labels == ["abcdefghij"[int(i)] for i in probabilities.argmax(-1)]


@every_network
def test_a_network_prints_its_layers(name: str) -> None:
    model = zoo.create_model(name)
    printed = repr(model)
    assert "Metric" not in printed
    assert "Accuracy" not in printed
    assert all(f"({layer}): " in printed for layer, _ in model.named_children())
    assert sum(1 for _ in model.modules()) <= 10


@every_head
def test_the_size_of_the_features_is_known_with_a_head_and_without(name: str) -> None:
    for model in (zoo.create_model(name), zoo.create_model(name, num_classes=0)):
        assert model.features(random_inputs(model, 2)).shape == (2, model.num_features)


@every_network
def test_an_empty_batch_has_no_outputs(name: str) -> None:
    model = zoo.create_model(name).eval()
    x = random_inputs(model, 3)
    assert model(x[:0]).shape == (0, *model(x).shape[1:])
    assert model.predict(x[:0]).values.shape[0] == 0


@every_network
def test_half_and_double_precision_predict(name: str) -> None:
    model = zoo.create_model(name)
    x = random_inputs(model, 3)
    expected = model.predict(x).values
    assert torch.allclose(model.bfloat16().predict(x).values.float(), expected, atol=0.05, rtol=0.05)
    part_of_another = nn.Sequential(zoo.create_model(name).double())
    assert part_of_another[0].predict(x).values.dtype == torch.float64


def test_threads_predict_the_same_while_another_trains() -> None:
    torch.manual_seed(0)
    model = zoo.create_model("ffnn", dropout=0.9).train()
    model.hidden_layers[0].eval()  # a mode of its own, as a frozen layer's
    x = random_inputs(model, 4)
    expected = model.predict(x).values
    modes: set[bool] = set()

    def predict(_: int) -> bool:
        modes.add(model.training and model.dropout.training and not model.hidden_layers[0].training)
        return torch.equal(model.predict(x).values, expected)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(predict, range(400)))
    assert modes == {True}


class Mine(MLP):
    """As everyone writes a class on top of another."""

    def __init__(self, x: int = 3, **kw) -> None:  # type: ignore[no-untyped-def]
        super().__init__(**kw)
        self.x = x


class MineTyped(Mine):
    def __init__(self, *args: Any, y: float = 0.5, **kw: Any) -> None:
        super().__init__(*args, optimizer="Adam", **kw)


class MyLine(Regressor):
    def __init__(self, **options) -> None:  # type: ignore[no-untyped-def]
        super().__init__(loss="mse", lr=0.1, **options)
        self.fc = nn.Linear(2, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class MineInAWayOfMyOwn(MLP):
    def __init__(self, hidden_dim: int = 5, **kw: Any) -> None:
        options = {**kw, "optimizer": "Adam"}
        super().__init__(hidden_dim=hidden_dim, **options)


class MineOptional(MLP):
    def __init__(self, activation: Any = None, names: list[str] | None = None, **kw: Any) -> None:
        super().__init__(num_classes=len(names or "abc"), **kw)
        self.save_hyperparameters()  # as Lightning's documentation shows


@pytest.mark.parametrize(
    ("cls", "arguments", "kept"),
    [
        (Mine, {}, {"x": 3, "hidden_dim": 50, "l2": 0.0}),
        (Mine, {"x": 4, "hidden_dim": 9, "l2": 0.5}, {"x": 4, "hidden_dim": 9, "l2": 0.5}),
        (MineTyped, {"x": 4, "hidden_dim": 9}, {"x": 4, "y": 0.5, "hidden_dim": 9, "lr": 0.5}),
        (MyLine, {"l1": 0.5}, {"l1": 0.5, "optimizer": "SGD"}),
        (MineInAWayOfMyOwn, {"l1": 0.5}, {"hidden_dim": 5, "l1": 0.5}),
        (MineOptional, {"names": ["a", "b"], "in_dim": 2}, {"names": ["a", "b"], "activation": None, "in_dim": 2}),
    ],
)
def test_a_class_on_top_keeps_what_it_passes_on(
    cls: type[Task], arguments: dict[str, Any], kept: dict[str, Any], tmp_path: Path
) -> None:
    model = cls(**arguments)
    assert {name: model.hparams[name] for name in kept} == kept
    trainer = Trainer(logger=False, accelerator="cpu", enable_progress_bar=False, barebones=True)
    trainer.strategy.connect(model)
    trainer.save_checkpoint(tmp_path / "mine.ckpt")
    again = cls.load_from_checkpoint(tmp_path / "mine.ckpt", weights_only=True)
    assert again.hparams == model.hparams
    assert all(torch.equal(value, model.state_dict()[key]) for key, value in again.state_dict().items())


def test_a_class_typed_in_at_a_prompt_keeps_what_it_was_given() -> None:
    scope: dict[str, Any] = {"MLP": MLP}
    code = "class Typed(MLP):\n    def __init__(self, x=3, **kw):\n        super().__init__(hidden_dim=7, **kw)\n"
    exec(compile(code, "<typed in>", "exec"), scope)
    model = scope["Typed"](l2=0.5)
    assert model.hparams == {"x": 3, "l2": 0.5}
    assert scope["Typed"](**model.hparams).l2 == 0.5


def test_a_part_of_another_module_keeps_its_own_hyperparameters() -> None:
    class Outer(LightningModule):
        def __init__(self, lr: float = 3.0, in_dim: int = 5) -> None:
            super().__init__()
            self.part = MLP(hidden_dim=9)
            self.save_hyperparameters()

    outer = Outer()
    assert outer.part.hparams == MLP(hidden_dim=9).hparams
    assert outer.hparams == {"lr": 3.0, "in_dim": 5}


class MyDigits(Digits):
    def __init__(self, extra: int = 1, **kw) -> None:  # type: ignore[no-untyped-def]
        super().__init__(**kw)


def test_a_data_module_on_top_keeps_what_it_passes_on() -> None:
    data = MyDigits(extra=2, batch_size=7)
    assert data.hparams == {"extra": 2, **Digits(batch_size=7).hparams}


@pytest.mark.parametrize(
    ("name", "data", "arguments", "message"),
    [
        (
            "cifar_cnn",
            "digits",
            {},
            "CifarCNN has in_channels 3, but Digits has 1; create the network with in_channels=1",
        ),
        ("slp", "digits", {"in_dim": 64}, "SLP has in_dim 64, but Digits has 784; create the network with in_dim=784"),
        ("slp", "digits", {"num_classes": 9}, "SLP has num_classes 9, but Digits has 10"),
        ("convnet", "xor", {}, "ConvNet expects image inputs, but XORData has table inputs"),
        ("rnn", "digits", {"input_size": 7}, "RNN has input_size 7, but Digits has 28"),
    ],
)
def test_a_network_of_another_shape_than_the_data_is_one_line(
    name: str, data: str, arguments: dict[str, int], message: str
) -> None:
    model = zoo.create_model(name, **arguments)
    trainer = Trainer(logger=False, accelerator="cpu", max_epochs=1, enable_checkpointing=False)
    for method in (trainer.fit, trainer.validate, trainer.test, trainer.predict):
        with pytest.raises(zoo.ZooError) as raised:
            method(model, datamodule=zoo.create_datamodule(data))
        assert message in str(raised.value)
        assert "\n" not in str(raised.value)


def test_a_network_with_more_classes_than_the_data_trains() -> None:
    trainer = Trainer(logger=False, accelerator="cpu", fast_dev_run=1)
    trainer.fit(zoo.create_model("slp", num_classes=12), zoo.create_datamodule("digits"))


class Frame:
    """What pandas' rows, columns and tables have in common."""

    def __init__(self, values: Any) -> None:
        self.values = values

    def to_numpy(self) -> Any:
        return np.asarray(self.values)


ROW = [0.25, 1.0]


@pytest.mark.parametrize(
    ("rows", "count"),
    [
        ([np.float32(0.25), np.int64(1)], 1),
        ((np.float16(0.25), True), 1),
        (np.array(ROW), 1),
        (np.array(ROW, dtype=np.float32), 1),
        (np.array(ROW, dtype=object), 1),
        (np.array([ROW, ROW, ROW]), 3),
        ([np.array(ROW), ROW, tuple(ROW)], 3),
        ([torch.tensor(0.25), torch.tensor(1)], 1),
        (Frame(ROW), 1),
        (Frame([ROW, ROW]), 2),
    ],
)
def test_rows_come_from_numpy_and_pandas_too(rows: Any, count: int) -> None:
    model = zoo.create_model("xor")
    model.transform = zoo.create_datamodule("xor").transform
    expected = model.predict(ROW).values
    assert torch.equal(model.predict(rows).values, expected.expand(count, -1))


def test_rows_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    model = zoo.create_model("xor")
    model.transform = zoo.create_datamodule("xor").transform
    table = pandas.DataFrame({"a": [0, 1], "b": [1.5, 0]})
    assert torch.equal(model.predict(table).values, model.predict([[0, 1.5], [1, 0]]).values)
    assert torch.equal(model.predict(table.iloc[0]).values, model.predict([0, 1.5]).values)


@pytest.mark.parametrize(
    "rows", [np.array(["a", "b"]), [np.array([ROW])], np.array(0.5), ["a", 1], [10**400, 1], [1j, 0], np.zeros((0, 3))]
)
def test_what_is_no_row_is_one_line(rows: Any) -> None:
    model = zoo.create_model("xor")
    model.transform = zoo.create_datamodule("xor").transform
    with pytest.raises(zoo.ZooError) as raised:
        model.predict(rows)
    assert "\n" not in str(raised.value)


def test_rows_are_one_or_several() -> None:
    data = zoo.create_datamodule("xor")
    model = zoo.create_model("xor")
    with pytest.raises(zoo.ZooError, match="set its transform"):
        model.predict([0, 1])
    model.transform, model.classes = data.transform, data.classes
    assert model.predict([0, 1]).values.shape == (1, 1)
    labels, probabilities = model.predict([[0, 1], [1, 1], [0, 0]])
    assert probabilities.shape == (3, 1)
    assert labels == [("1",) if p > 0.5 else () for p in probabilities.flatten()]
    with pytest.raises(zoo.ZooError, match="expected 2 numbers, got 3"):
        model.predict([0, 1, 2])


class Mine10(LightningDataModule):
    """A data module of one's own, with what it likes among its arguments and the names of its classes."""

    classes = range(10)

    def __init__(self, size: tuple[int, int] = (28, 28)) -> None:
        super().__init__()
        self.save_hyperparameters()

    def train_dataloader(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(torch.rand(8, 784), torch.arange(8)), batch_size=4)


@pytest.mark.parametrize("num_classes", [10, 12])
def test_checkpoints_of_data_of_ones_own_are_loaded(num_classes: int, tmp_path: Path) -> None:
    trainer = Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )
    trainer.fit(model := MLP(num_classes=num_classes), Mine10())
    trainer.save_checkpoint(tmp_path / "mine.ckpt")
    loaded = zoo.load_model(tmp_path / "mine.ckpt")
    assert torch.equal(loaded.fc1.weight, model.fc1.weight)
    assert loaded.classes == (tuple("0123456789") if num_classes == 10 else ())


@pytest.mark.parametrize("name", ["digits", "cifar_like"])
def test_scaling_what_is_scaled_changes_nothing(name: str) -> None:
    data = zoo.create_datamodule("digits") if name == "digits" else zoo.create_datamodule("cifar10")
    x = data.scale(torch.randint(0, 256, (2, *data.stored_shape), dtype=torch.uint8))
    before = x.clone()
    assert torch.equal(data.scale(x), before)
    assert torch.equal(x, before)
