"""Scikit-learn's linear and logistic regression on the inputs of a network."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from zoo.datamodules.common import DataModule
from zoo.datamodules.common.examples import Batches

CHUNK = 1_000


def count_classes(*targets: Tensor) -> int:
    """Return the number of classes that some class indices have."""
    return 1 + int(max(labels.max() for labels in targets))


def fit_regression(data: DataModule, labels: Tensor, targets: Tensor, most_numbers: int) -> Tensor | None:
    """Return what scikit-learn's regression predicts for the test set; None if the training split has one class.

    Args:
        data: The data, with inputs in memory.
        labels: The training targets: class indices, shape ``(examples,)``, or floats, ``(examples, outputs)``.
        targets: Those of the test set.
        most_numbers: How many numbers the training inputs may have; of more, some examples are left out.

    Raises:
        ValueError: An input is not finite.
    """
    from sklearn.linear_model import LinearRegression, LogisticRegression

    train, test = data.splits["train"], data.splits["test"]
    size = min(len(train), max(1, most_numbers // int(np.prod(data.shape))))
    # At random, since examples can be in the order of their classes.
    chosen = torch.randperm(len(train), generator=torch.Generator().manual_seed(0))[:size].sort().values
    x, test_x = _inputs(data, chosen)
    y = labels[chosen].numpy()
    if data.target == "value":
        return torch.from_numpy(LinearRegression().fit(x, y).predict(test_x)).reshape(len(test), -1)
    if data.target == "class" and len(np.unique(y)) < 2:
        return None
    outputs = max(2, count_classes(labels, targets)) if data.target == "class" else y.shape[1]
    values = torch.zeros(len(test), outputs, dtype=torch.double)
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


def _inputs(data: DataModule, chosen: Tensor) -> tuple[Any, Any]:
    """Return some training inputs and those of the test set as rows: of texts, the TF-IDF of their tokens."""
    test = [*_batches(data.splits["test"], torch.arange(len(data.splits["test"])))]
    train = [*_batches(data.splits["train"], chosen)]
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


def _batches(examples: Batches, chosen: Tensor) -> Iterator[Tensor]:
    for indices in chosen.split(CHUNK):
        yield examples.batch(indices.tolist())[0]
