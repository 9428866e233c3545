"""Scikit-learn's word on the numbers of a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as sklearn
from torch import Tensor

EXACT = {"abs": 1e-6, "rel": 0}


def check_metrics(found: Mapping[str, float], kind: str, values: Tensor, targets: Tensor) -> None:
    """Check the metrics of predictions, and that there are those that this kind of targets has."""
    p, y = values.double().numpy(), targets.numpy()
    if kind == "value":
        wanted = {
            "mae": sklearn.mean_absolute_error(y, p),
            "rmse": sklearn.root_mean_squared_error(y, p),
            "r2": sklearn.r2_score(y.flatten(), p.flatten()),
        }
    elif kind == "binary":
        wanted = {
            "acc": np.mean((p > 0.5) == y),
            "f1": sklearn.f1_score(y, p > 0.5, average="macro" if y.shape[1] > 1 else "binary", zero_division=0),
            "auroc": sklearn.roc_auc_score(y, p),
            "ap": sklearn.average_precision_score(y, p),
            "ece": calibration_error(p.flatten(), y.flatten()),
        }
    else:
        guess = p.argmax(1)
        wanted = {
            "acc": sklearn.accuracy_score(y, guess),
            "balanced_acc": sklearn.balanced_accuracy_score(y, guess),
            "f1": sklearn.f1_score(y, guess, average="macro", zero_division=0),
            "ece": calibration_error(p.max(1), guess == y),
        }
        if p.shape[1] == 2:
            wanted |= {
                "auroc": sklearn.roc_auc_score(y, p[:, 1]),
                "ap": sklearn.average_precision_score(y, p[:, 1]),
            }
        if p.shape[1] > 5:
            labels = np.arange(p.shape[1])
            wanted["top5_acc"] = sklearn.top_k_accuracy_score(y, p, k=5, labels=labels)
    assert {name: value for name, value in found.items() if name != "loss"} == pytest.approx(wanted, **EXACT)


def check_classes(found: list[dict[str, Any]], values: Tensor, targets: Tensor) -> None:
    """Check the scores of each class."""
    p, y = values.numpy(), targets.numpy()
    guess = p.argmax(1) if y.ndim == 1 else p > 0.5
    labels = np.arange(p.shape[1])
    columns = sklearn.precision_recall_fscore_support(y, guess, labels=labels, average=None, zero_division=0)
    if p.shape[1] == 1:
        columns = tuple(column[-1:] for column in sklearn.precision_recall_fscore_support(y, guess, zero_division=0))
    for name, column in zip(("precision", "recall", "f1", "support"), columns, strict=True):
        assert [row[name] for row in found] == pytest.approx(column.tolist(), **EXACT)


def calibration_error(sure: np.ndarray[Any, Any], right: np.ndarray[Any, Any]) -> float:
    """From the definition: in each of fifteen bins, how far the confidence is from the share that is right."""
    bins = [(sure >= low / 15) & (sure < (low + 1) / 15 + (low == 14)) for low in range(15)]
    return float(sum(abs(sure[i].mean() - right[i].mean()) * i.mean() for i in bins if i.any()))
