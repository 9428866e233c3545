"""What the predictions for a split are worth: numbers of the whole split, of each class, and of the probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torchmetrics.functional import classification as measures
from torchmetrics.functional import mean_squared_error, r2_score

from zoo.kinds import TargetKind
from zoo.reports.predictions import Predictions

TOP = 5
"""The classes of ``top5_acc``, which is measured where there are more."""

MOST_PRECISE = 10_000_000

BINS = 15
"""Bins of equal width for the calibration error, see Guo et al., "On Calibration of Modern Neural Networks"."""


def scores(kind: TargetKind, predictions: Predictions) -> dict[str, float]:
    """Return the metrics of a split beside those that every evaluation has.

    Of classes: ``f1``, the mean over the classes; ``balanced_acc``, the mean of the classes' recalls; ``ece``, the
    expected calibration error; ``top5_acc``, if there are more than five; ``auroc`` and ``ap``, average precision, if
    there are two. Of a multi-label network: ``f1``, ``auroc`` and ``ap``, means over the labels, and ``ece``. Of
    numbers: ``rmse`` and ``r2``. A number that the split does not define, such as ``auroc`` of one class, is NaN.
    """
    values, targets = _precise(predictions.values), predictions.targets
    if kind == "value":
        return _of_numbers(values.double(), targets.double())
    found = _of_labels(values, targets.long()) if kind == "binary" else _of_classes(values, targets)
    bins = calibration(kind, predictions)
    error = sum(abs(one["acc"] - one["confidence"]) * one["examples"] for one in bins)
    return {**found, "ece": error / sum(one["examples"] for one in bins)}


def _precise(values: Tensor) -> Tensor:
    """Return values in double precision, unless there are so many that it would take gigabytes."""
    return values.double() if values.numel() <= MOST_PRECISE else values


def _of_classes(values: Tensor, targets: Tensor) -> dict[str, float]:
    classes = values.shape[1]
    recall = measures.multiclass_recall(values, targets, classes, average="none")
    measured: dict[str, Tensor | float] = {
        "balanced_acc": recall[targets.unique()].mean(),
        "f1": measures.multiclass_f1_score(values, targets, classes, average="macro"),
    }
    if classes > TOP:
        measured["top5_acc"] = measures.multiclass_accuracy(values, targets, classes, average="micro", top_k=TOP)
    if classes == 2:
        defined = len(targets.unique()) == 2
        measured["auroc"] = measures.binary_auroc(values[:, 1], targets) if defined else torch.nan
        measured["ap"] = measures.binary_average_precision(values[:, 1], targets) if defined else torch.nan
    return {name: float(value) for name, value in measured.items()}


def _of_labels(values: Tensor, targets: Tensor) -> dict[str, float]:
    labels = [(values[:, label], targets[:, label]) for label in range(values.shape[1])]
    defined = all(len(y.unique()) == 2 for _, y in labels)
    named: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "f1": measures.binary_f1_score,
        "auroc": measures.binary_auroc,
        "ap": measures.binary_average_precision,
    }
    return {
        name: float(torch.stack([measure(p, y) for p, y in labels]).mean()) if defined or name == "f1" else torch.nan
        for name, measure in named.items()
    }


def _of_numbers(values: Tensor, targets: Tensor) -> dict[str, float]:
    values, targets = values.flatten(), targets.flatten()
    defined = len(targets) > 1 and bool((targets != targets[0]).any())
    return {
        "rmse": float(mean_squared_error(values, targets, squared=False)),
        "r2": float(r2_score(values, targets)) if defined else torch.nan,
    }


def scores_by_class(kind: TargetKind, predictions: Predictions, names: Sequence[str]) -> list[dict[str, Any]]:
    """Return ``class``, ``precision``, ``recall``, ``f1`` and ``support`` of each class; empty for numbers."""
    if kind == "value":
        return []
    values, targets = _precise(predictions.values), predictions.targets.long()
    columns = {"precision": "precision", "recall": "recall", "f1": "f1_score"}
    found: dict[str, list[float]] = {}
    for name, metric in columns.items():
        if kind == "binary":
            measure = getattr(measures, f"binary_{metric}")
            found[name] = [float(measure(values[:, label], y)) for label, y in enumerate(targets.T)]
        else:
            measure = getattr(measures, f"multiclass_{metric}")
            found[name] = measure(values, targets, values.shape[1], average="none").tolist()
    support = targets.sum(0) if kind == "binary" else targets.bincount(minlength=values.shape[1])
    names = names or [str(index) for index in range(values.shape[1])]
    return [
        {"class": name, **{key: column[index] for key, column in found.items()}, "support": int(support[index])}
        for index, name in enumerate(names)
    ]


def calibration(kind: TargetKind, predictions: Predictions) -> list[dict[str, float]]:
    """Return how often the network is right, by how sure it is; empty for numbers.

    Each bin of confidences that occur has ``confidence`` and ``acc``, their means, and ``examples``. The confidence is
    the probability of the predicted class; of a multi-label network, that of each label, and ``acc`` is then the share
    of labels that apply.
    """
    if kind == "value":
        return []
    if kind == "binary":
        confidence, right = predictions.values.flatten().double(), predictions.targets.flatten().double()
    else:
        confidence, predicted = predictions.values.max(1)
        confidence = confidence.double()
        right = (predicted == predictions.targets).double()
    edges = torch.linspace(0, 1, BINS + 1, dtype=torch.double)
    place = torch.bucketize(confidence.contiguous(), edges, right=True) - 1
    return [
        {
            "confidence": float(confidence[place == number].mean()),
            "acc": float(right[place == number].mean()),
            "examples": int((place == number).sum()),
        }
        for number in place.unique().tolist()
    ]
