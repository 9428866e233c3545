"""What simple models reach on the same split: the least that a network must beat."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

import torch
from torch import Tensor

from zoo.datamodules.common import DataModule
from zoo.datamodules.common.examples import Batches, Examples
from zoo.datamodules.common.text_examples import Texts
from zoo.reports.predictions import Predictions
from zoo.reports.regressions import count_classes, fit_regression
from zoo.reports.scores import scores
from zoo.support.files import atomic_write, read_bytes

Baselines = dict[str, dict[str, float]]
"""Metrics of the test set, by the name of the model."""

MOST_NUMBERS = 20_000_000
"""Numbers in the training inputs of a regression: of a larger data set, it learns from some examples. It then takes
some seconds for ten classes."""

MOST_TARGETS = 100
"""Numbers in a target: a regression to pictures is left out."""

MAX_BYTES = 1_000_000

MEANINGLESS = ("ece", "top5_acc", "auroc", "ap")
"""Metrics of probabilities, which a model has not that always says the same."""


def baselines(data: DataModule) -> Baselines:
    """Return the test metrics of two simple models that are trained on the training split.

    For classes, ``majority class`` always predicts the most frequent one, and ``logistic regression`` is
    scikit-learn's; of texts, on the frequencies of their words, TF-IDF. For numbers, ``mean`` always predicts the mean,
    and ``linear regression`` is scikit-learn's.

    The results for the documented splits of the data sets come with the package. Others are cached beside the data.
    Inputs that are not in memory have no regression: to read them all again would take as long as an epoch.
    """
    train = data.splits["train"]
    if type(train).labels is Batches.labels:  # not even the targets are in memory
        return {}
    key = fingerprint(data)
    if key in (known := _of_documented_splits()):
        return known[key]
    folder = data.cache_folder
    path = folder / f".baselines-{key}.json" if folder else None
    if path and (found := _read(path)):
        return found
    found = compute(data)
    if path:
        with contextlib.suppress(OSError), atomic_write(path) as temporary:  # a report does not need the cache
            temporary.write_text(json.dumps(found), encoding="utf-8")
    return found


def compute(data: DataModule, whole: bool = False) -> Baselines:
    """Return the metrics that :func:`baselines` returns, without a cache.

    Args:
        data: The data, after its ``setup``.
        whole: Whether a regression learns from all examples, however many there are.
    """
    train, test = data.splits["train"], data.splits["test"]
    targets, labels = (_targets(data, examples) for examples in (test, train))
    if targets.dim() == 2 and targets.shape[1] > MOST_TARGETS:
        return {}
    constant, fitted = (
        ("mean", "linear regression") if data.target == "value" else ("majority class", "logistic regression")
    )
    told = {
        name: value
        for name, value in _score(data, _constant(labels, targets).expand(len(targets), -1), targets).items()
        if name not in MEANINGLESS
    }
    found = {constant: told}
    if isinstance(train, Examples | Texts) and isinstance(test, Examples | Texts):
        with contextlib.suppress(ValueError):  # scikit-learn refuses inputs that are not finite
            values = fit_regression(data, labels, targets, sys.maxsize if whole else MOST_NUMBERS)
            if values is not None:
                found[fitted] = _score(data, values, targets)
    return found


def _score(data: DataModule, values: Tensor, targets: Tensor) -> dict[str, float]:
    predictions = Predictions(torch.arange(len(targets)), values, targets)
    if data.target == "value":
        name, first = "mae", (values - targets).abs().mean()
    else:
        name, first = "acc", (~predictions.wrong()).double().mean()
    return {name: float(first), **scores(data.target, predictions)}


def _targets(data: DataModule, examples: Batches) -> Tensor:
    """Return targets as class indices, shape ``(examples,)``, or as floats, ``(examples, outputs)``."""
    labels = examples.labels()
    return labels.long() if data.target == "class" else labels.reshape(len(labels), -1).float()


def _constant(labels: Tensor, targets: Tensor) -> Tensor:
    """Return what a model predicts that looks at no input: the shares of the classes, or the mean."""
    if labels.dim() == 1:
        return labels.bincount(minlength=max(2, count_classes(labels, targets))).double() / len(labels)
    return labels.double().mean(0)


def fingerprint(data: DataModule) -> str:
    """Return what distinguishes data: the targets, and the inputs; of those that are not in memory, some of them."""
    digest = hashlib.blake2b(repr((data.kind, data.target, data.classes, data.checksum)).encode(), digest_size=16)
    for split in ("train", "test"):
        examples = data.splits[split]
        digest.update(examples.labels().numpy().tobytes())
        if isinstance(examples, Examples | Texts):
            digest.update(examples.inputs().numpy().tobytes())
            continue
        some = torch.linspace(0, len(examples) - 1, min(64, len(examples))).long().unique().tolist()
        digest.update(examples.batch(some)[0].numpy().tobytes())
    return digest.hexdigest()


@cache
def _of_documented_splits() -> dict[str, Baselines]:
    content = json.loads(files("zoo.reports").joinpath("baselines.json").read_text(encoding="utf-8"))
    return {row["fingerprint"]: row["baselines"] for row in content}


def _read(path: Path) -> Baselines | None:
    """Read a cached result; None if there is none, or if it is damaged."""
    try:
        content = json.loads(read_bytes(path, MAX_BYTES))
        return {
            str(name): {str(key): float(value) for key, value in values.items()} for name, values in content.items()
        }
    except (OSError, ValueError, TypeError, AttributeError, RecursionError):
        return None
