"""Reports on networks and data of other packages, which do things in their own ways."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from stand_ins import quiet_trainer
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

import zoo
from zoo.datamodules.common import InMemory
from zoo.reports.baselines import compute
from zoo.reports.report import Report, make_report
from zoo.reports.run_files import draw
from zoo.tasks import Classifier, Regressor, Task


class Rows(InMemory):
    """Rows of numbers with targets made from the first of them."""

    kind, shape, transform = "table", (4,), None

    def __init__(self, make: Any, target: Any = "class", classes: tuple[str, ...] = ()) -> None:
        super().__init__(batch_size=32)
        self.make, self.target, self.classes = make, target, classes

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        x = torch.randn(100, 4, generator=torch.Generator().manual_seed(int(train)))
        return x, self.make(x)

    def model_arguments(self) -> dict[str, int | bool]:
        return {}


class Net(Classifier):
    takes, output = "table", "logits"

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"num_classes": 2, "loss": "cross_entropy", "lr": 0.1, **options})
        self.fc = nn.Linear(4, self.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x)


class ReturnsLoss(Net):
    def test_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._loss(batch, "test/")[0]


class ReturnsLabels(Net):
    def test_step(self, batch: Any, batch_idx: int) -> Tensor:
        return self._loss(batch, "test/")[1].argmax(1)


class One(Regressor):
    takes = "table"

    def __init__(self, *outputs: int) -> None:
        super().__init__(loss="mse", lr=0.1)
        self.outputs, self.fc = outputs, nn.Linear(4, max(1, int(torch.tensor(outputs).prod())))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x).view(-1, *self.outputs)


class OwnMetric(Net):
    def on_test_epoch_end(self) -> None:
        super().on_test_epoch_end()
        self.log("test/f1", 7.0)


class Shuffled(Rows):
    def test_dataloader(self) -> DataLoader[Any]:
        return DataLoader(TensorDataset(*self.splits["test"].tensors), shuffle=True)


class Endless(Rows):
    def test_dataloader(self) -> DataLoader[Any]:
        tensors = self.splits["test"].tensors

        class Stream(IterableDataset[Any]):
            def __iter__(self) -> Any:
                return iter(zip(*tensors, strict=True))

        return DataLoader(Stream(), batch_size=10)


def classes(x: Tensor) -> Tensor:
    return (x[:, 0] > 0).long()


def report(model: Task, data: Any, tmp_path: Path) -> Report:
    data.setup()
    made = make_report(quiet_trainer(), model, data)
    assert made is not None
    draw(tmp_path, model, data, made)
    return made


@pytest.mark.parametrize("network", [ReturnsLoss, ReturnsLabels])
@pytest.mark.parametrize("data", [Rows(classes, classes=("a", "b")), Shuffled(classes), Endless(classes)])
def test_without_outputs_or_their_order_there_are_the_usual_metrics(
    network: type[Task], data: Any, tmp_path: Path
) -> None:
    made = report(network(), data, tmp_path)
    assert (made.metrics["test"] or {}).keys() == {"loss", "acc"}
    assert (made.predictions, made.classes) == (None, [])
    assert made.baselines["logistic regression"]["acc"] > 0.9


@pytest.mark.parametrize("data", [Shuffled(classes), Endless(classes)])
def test_of_loaders_that_do_not_tell_the_order_there_are_no_mistakes(data: Any, tmp_path: Path) -> None:
    (tmp_path / "mistakes.csv").write_text("of an earlier report", encoding="utf-8")
    assert report(Net(), data, tmp_path).predictions is None
    assert not (tmp_path / "mistakes.csv").exists()


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (Net(), Rows(classes)),
        (Net(), Rows(lambda x: classes(x).to(torch.uint8))),
        (Net(num_classes=5), Rows(classes, classes=("a", "b"))),
        (Net(num_classes=1, multilabel=True, loss="bce"), Rows(lambda x: classes(x)[:, None], "binary")),
        (One(), Rows(lambda x: x[:, 0], "value")),
        (One(1), Rows(lambda x: x[:, :1], "value")),
        (One(2), Rows(lambda x: x[:, :2], "value")),
        (One(1, 4, 4), Rows(lambda x: x[:, :1, None, None].expand(-1, 1, 4, 4), "value")),
        (One(1, 20, 20), Rows(lambda x: x[:, :1, None, None].expand(-1, 1, 20, 20), "value")),
    ],
)
def test_targets_of_any_shape_and_type_have_a_whole_report(model: Task, data: Rows, tmp_path: Path) -> None:
    made = report(model, data, tmp_path)
    assert made.predictions is not None
    tested = made.metrics["test"] or {}
    if data.target == "class":
        assert 0 <= tested["balanced_acc"] <= 1
        right = (made.predictions.values.argmax(1) == classes(data.splits["test"].tensors[0])).double()
        shares = [right[classes(data.splits["test"].tensors[0]) == label].mean() for label in (0, 1)]
        assert tested["balanced_acc"] == pytest.approx(float(sum(shares)) / 2, abs=1e-6)
    if model is not None and getattr(model, "outputs", ()) != (1, 20, 20):
        assert len(made.baselines) == 2
    assert (tmp_path / "mistakes.csv").exists()


def test_a_metric_of_the_networks_own_is_kept(tmp_path: Path) -> None:
    assert (report(OwnMetric(), Rows(classes), tmp_path).metrics["test"] or {})["f1"] == 7


def test_the_whole_is_not_compared_with_a_part() -> None:
    data = Rows(classes)
    data.setup()
    x, y = data.splits["test"].tensors  # type: ignore[attr-defined]
    data.splits["test"].tensors = x.repeat(10, 1), y.repeat(10)  # type: ignore[attr-defined]
    for limit, compared in ((1, 0), (1.0, 2)):
        made = make_report(quiet_trainer(limit_test_batches=limit), Net(), data)
        assert made is not None
        assert len(made.baselines) == compared


def test_inputs_that_are_not_finite_have_no_regression() -> None:
    data = Rows(classes)
    data.setup()
    data.splits["train"].tensors[0][3, 2] = torch.nan  # type: ignore[attr-defined]
    assert set(compute(data)) == {"majority class"}


def test_a_cut_training_split_has_all_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures in folders are in the order of their classes."""
    monkeypatch.setattr("zoo.reports.baselines.MOST_NUMBERS", 4 * 30)
    data = Rows(classes, classes=("a", "b"))
    data.setup()
    x, y = data.splits["train"].tensors  # type: ignore[attr-defined]
    order = y.argsort()
    data.splits["train"].tensors = x[order], y[order]  # type: ignore[attr-defined]
    assert compute(data)["logistic regression"]["acc"] > 0.7


def test_each_input_counts_for_the_cache() -> None:
    from zoo.reports.baselines import fingerprint

    data = Rows(classes)
    data.setup()
    before = fingerprint(data)
    data.splits["train"].tensors[0][41, 1] += 1  # type: ignore[attr-defined]
    assert fingerprint(data) != before


def test_mixing_needs_classes() -> None:
    data = Rows(classes)
    data.augment = "MixUp"
    data.setup()
    with pytest.raises(zoo.ZooError, match="MixUp mixes classes, and Rows has none"):
        data.train_dataloader()
