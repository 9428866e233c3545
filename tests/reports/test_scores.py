"""The numbers of a report are scikit-learn's."""

from __future__ import annotations

import math

import pytest
import torch
from measured import check_classes, check_metrics
from stand_ins import quiet_trainer, stand_in
from torch import Tensor

import zoo
from zoo.kinds import TargetKind
from zoo.reports.predictions import Predictions
from zoo.reports.report import make_report
from zoo.reports.scores import calibration, scores, scores_by_class


def answers(kind: TargetKind, columns: int, size: int = 400) -> tuple[Tensor, Tensor]:
    """Predictions that are often right, and targets."""
    torch.manual_seed(columns)
    if kind == "value":
        y = torch.randn(size, columns)
        return y + torch.randn(size, columns), y
    if kind == "binary":
        y = (torch.rand(size, columns) < 0.3).float()
        return (torch.randn(size, columns) + 2 * y - 1).sigmoid(), y
    y = torch.randint(columns, (size,))
    return (torch.randn(size, columns) + 2 * torch.nn.functional.one_hot(y, columns)).softmax(1), y


CASES = [("class", 2), ("class", 3), ("class", 10), ("class", 100), ("binary", 1), ("binary", 4), ("value", 1)]


@pytest.mark.parametrize(("kind", "columns"), CASES)
def test_they_equal_scikit_learns(kind: TargetKind, columns: int) -> None:
    values, targets = answers(kind, columns)
    predictions = Predictions(torch.arange(len(values)), values, targets)
    found = scores(kind, predictions)
    check_metrics({**_simple(kind, values, targets), **found}, kind, values, targets)
    assert found.keys().isdisjoint({"acc", "mae", "loss"})  # which every evaluation has
    if kind != "value":
        check_classes(scores_by_class(kind, predictions, ()), values, targets)


def _simple(kind: TargetKind, values: Tensor, targets: Tensor) -> dict[str, float]:
    if kind == "value":
        return {"mae": float((values.double() - targets).abs().mean())}
    right = values.argmax(1) == targets if kind == "class" else (values > 0.5) == targets
    return {"acc": float(right.double().mean())}


def test_classes_that_the_split_lacks() -> None:
    """One is predicted and never true, one neither: scikit-learn leaves both out of the balanced accuracy."""
    values, targets = answers("class", 10)
    targets[targets == 3] = 4
    targets[targets == 7] = 8
    values[:, 7] = 0
    predictions = Predictions(torch.arange(len(values)), values, targets)
    with pytest.warns(UserWarning, match="y_pred contains classes not in y_true"):
        check_metrics({**_simple("class", values, targets), **scores("class", predictions)}, "class", values, targets)
    check_classes(scores_by_class("class", predictions, ()), values, targets)


def test_what_a_split_does_not_define_is_no_number() -> None:
    one_class = Predictions(torch.arange(4), torch.rand(4, 2), torch.ones(4, dtype=torch.int64))
    assert math.isnan(scores("class", one_class)["auroc"])
    one_label = Predictions(torch.arange(4), torch.rand(4, 2), torch.ones(4, 2))
    assert math.isnan(scores("binary", one_label)["ap"])
    constant = Predictions(torch.arange(4), torch.rand(4, 1), torch.ones(4, 1))
    assert math.isnan(scores("value", constant)["r2"])


def test_calibration_counts_every_example_once() -> None:
    values, targets = answers("class", 3)
    values[0] = torch.tensor([1.0, 0.0, 0.0])  # as sure as can be
    bins = calibration("class", Predictions(torch.arange(len(values)), values, targets))
    assert sum(one["examples"] for one in bins) == len(values)
    assert [one["confidence"] for one in bins] == sorted(one["confidence"] for one in bins)
    right = (values.argmax(1) == targets).double().mean()
    assert sum(one["acc"] * one["examples"] for one in bins) == pytest.approx(float(right) * len(values))


@pytest.mark.parametrize("name", zoo.list_models())
def test_the_report_of_every_network_equals_scikit_learns(name: str) -> None:
    torch.manual_seed(0)
    model = zoo.create_model(name).eval()
    data = stand_in(model)
    data.prepare_data()
    data.setup()
    report = make_report(quiet_trainer(), model, data, whole=True)
    assert report is not None
    assert report.predictions is not None
    examples = data.splits["test"]
    x, y = examples.batch([*range(len(examples))])
    assert torch.equal(report.predictions.targets, y)  # in the order of the data set
    with torch.inference_mode():
        values = model.predicted(model(data.scale(x)))
    torch.testing.assert_close(report.predictions.values, values)
    for split, metrics in report.metrics.items():
        if split == "test":
            check_metrics(metrics or {}, data.target, report.predictions.values, y)
        elif split == "train":
            assert (metrics or {}).keys() == (report.metrics["test"] or {}).keys()
    if data.target != "value":
        check_classes(report.classes, report.predictions.values, y)
        assert [row["class"] for row in report.classes] == [*model.classes]
    assert len(report.baselines) == 2
    (constant, fitted) = report.baselines.values()
    assert constant.keys() <= fitted.keys() | {"loss"}
