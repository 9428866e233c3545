"""``zoo describe``: show the card, the defaults and the size of a network or a data set."""

from __future__ import annotations

import inspect

from zoo.commands.request import Request
from zoo.errors import ZooError, suggestion
from zoo.factory import build_model, datamodule_class, model_class
from zoo.registry import data_row, datamodules, model_row, models
from zoo.support.console import echo
from zoo.weights import list_weights, weights_record


def run(request: Request) -> int:
    """Print the card of a name and return the exit code."""
    if len(request.words) != 1 or request.words[0].startswith("-"):
        raise ZooError("zoo describe takes one name, of a network or a data set; zoo list shows them")
    echo(describe(request.words[0]))
    return 0


def describe(name: str) -> str:
    """Return the card of a network or a data set, and, of a network, its size and its documented training.

    Raises:
        ZooError: There is none of this name.
    """
    if name not in models() and name not in datamodules():
        raise ZooError(f"unknown name {name!r}{suggestion(name, [*models(), *datamodules()]) or '; see zoo list'}")
    cards = []
    if name in models():
        row, model = model_row(name), build_model(name)
        training = {"data": row.data, "data.batch_size": row.batch_size, "trainer.max_epochs": row.max_epochs}
        hyperparameters = {f"model.{key}": value for key, value in model.hparams.items() if value is not None}
        options = {**training, **row.options, **hyperparameters}
        size = sum(p.numel() for p in model.parameters())
        lines = [f"  --{option} {value}" for option, value in options.items()]
        card = inspect.cleandoc(model_class(name).__doc__ or "")
        parts = [f"the network {name}", "", card, "", f"Parameters: {size:,}", "Defaults:", *lines]
        if published := [_metrics(name, weights) for weights in list_weights(name)]:
            parts += ["Weights:", *published]
        cards.append("\n".join(parts))
    if name in datamodules():
        card = inspect.cleandoc(datamodule_class(name).__doc__ or "")
        cards.append("\n".join([f"the data set {name}", "", card, "", f"License: {data_row(name).license}"]))
    return "\n\n".join(cards)


def _metrics(model: str, weights: str) -> str:
    metrics = weights_record(model, weights).metrics["test"]
    return (
        f"  --weights {weights}: {', '.join(f'{name} {value:.4f}' for name, value in metrics.items())} on its test set"
    )
