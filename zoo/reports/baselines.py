"""What simple models reach on the same split: the least that a network must beat."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import warnings
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.datamodules.common import DataModule
from zoo.datamodules.common.examples import Batches, Examples
from zoo.datamodules.common.texts import Texts
from zoo.reports.predictions import Predictions
from zoo.reports.scores import scores
from zoo.support.files import atomic_write, read_bytes

Baselines = dict[str, dict[str, float]]
"""Metrics of the test set, by the name of the model."""

MOST_NUMBERS = 20_000_000
"""Numbers in the training inputs of a regression: a larger data set is cut, which keeps it within some seconds."""

CHUNK = 1_000

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
    targets = test.labels()
    constant, fitted = (
        ("mean", "linear regression") if data.target == "value" else ("majority class", "logistic regression")
    )
    told = {
        name: value
        for name, value in _score(data, _constant(data, train.labels()).expand(len(targets), -1), targets).items()
        if name not in MEANINGLESS
    }
    found = {constant: told}
    if isinstance(train, Examples | Texts) and isinstance(test, Examples | Texts):
        values = _fit(data, sys.maxsize if whole else MOST_NUMBERS)
        if values is not None:
            found[fitted] = _score(data, values, targets)
    return found


def _score(data: DataModule, values: Tensor, targets: Tensor) -> dict[str, float]:
    predictions = Predictions(torch.arange(len(targets)), values, targets)
    name, first = (
        ("mae", (values - targets).abs().mean()) if data.target == "value" else ("acc", _correct(values, targets))
    )
    return {name: float(first), **scores(data.target, predictions)}


def _correct(values: Tensor, targets: Tensor) -> Tensor:
    if targets.dim() == 1:
        return (values.argmax(1) == targets).double().mean()
    return ((values > 0.5) == (targets > 0.5)).double().mean()


def _constant(data: DataModule, targets: Tensor) -> Tensor:
    """Return what a model predicts that looks at no input: the shares of the classes, or the mean."""
    if targets.dim() == 1:
        return targets.bincount(minlength=len(data.classes)).double() / len(targets)
    return targets.double().mean(0)


def _fit(data: DataModule, most_numbers: int) -> Tensor | None:
    """Return what scikit-learn's regression predicts for the test set; None if the training split has one class."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    train, test = data.splits["train"], data.splits["test"]
    size = min(len(train), max(1, most_numbers // int(np.prod(data.shape))))
    x, test_x = _inputs(data, size)
    y = train.labels()[:size].numpy()
    if data.target == "value":
        return torch.from_numpy(LinearRegression().fit(x, y).predict(test_x)).reshape(len(test), -1)
    if data.target == "class" and len(np.unique(y)) < 2:
        return None
    values = torch.zeros(len(test), len(data.classes) if data.target == "class" else y.shape[1], dtype=torch.double)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a hundred steps were not enough
        if data.target == "class":
            model = LogisticRegression(tol=1e-3).fit(x, y)
            values[:, torch.from_numpy(model.classes_)] = torch.from_numpy(model.predict_proba(test_x)).double()
            return values
        for label, yes in enumerate(y.T):
            if len(np.unique(yes)) == 1:
                values[:, label] = float(yes[0])
            else:
                found = LogisticRegression(tol=1e-3).fit(x, yes).predict_proba(test_x)
                values[:, label] = torch.from_numpy(found[:, 1])
    return values


def _inputs(data: DataModule, size: int) -> tuple[Any, Any]:
    """Return the first training inputs and those of the test set as rows: of texts, the TF-IDF of their tokens."""
    train, test = [*_batches(data.splits["train"], size)], [*_batches(data.splits["test"])]
    if data.kind != "text":
        return _rows(data, train), _rows(data, test)
    from sklearn.feature_extraction.text import TfidfTransformer

    width = 1 + max(int(x.max()) for x in (*train, *test))
    weigh = TfidfTransformer().fit(counted := _token_counts(train, width))
    return weigh.transform(counted), weigh.transform(_token_counts(test, width))


def _rows(data: DataModule, batches: list[Tensor]) -> Any:
    return np.concatenate([data.scale(x).flatten(1).numpy() for x in batches])


def _token_counts(batches: list[Tensor], width: int) -> Any:
    from scipy.sparse import coo_array, vstack

    counted = []
    for x in batches:
        rows, columns = x.nonzero(as_tuple=True)  # without the padding
        shape = len(x), width
        counted.append(coo_array((np.ones(len(rows)), (rows.numpy(), x[rows, columns].numpy())), shape=shape).tocsr())
    return vstack(counted, format="csr")


def _batches(examples: Batches, count: int | None = None) -> Iterator[Tensor]:
    for indices in torch.arange(count or len(examples)).split(CHUNK):
        yield examples.batch(indices.tolist())[0]


def fingerprint(data: DataModule) -> str:
    """Return what distinguishes data: the targets, and some of the inputs."""
    digest = hashlib.blake2b(repr((data.kind, data.target, data.classes)).encode(), digest_size=16)
    for split in ("train", "test"):
        examples = data.splits[split]
        digest.update(examples.labels().numpy().tobytes())
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
