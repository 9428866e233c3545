"""``zoo describe``: all there is to know of a network or a data set."""

from __future__ import annotations

import inspect

from zoo.errors import ZooError, suggestion
from zoo.registry import DATAMODULES, MODELS, create_model, datamodule_class, model_class, model_row


def describe(name: str) -> str:
    """Return the card of a network or a data set, and, of a network, its size and its documented training.

    Raises:
        ZooError: There is none of this name.
    """
    if name not in MODELS and name not in DATAMODULES:
        raise ZooError(f"unknown name {name!r}{suggestion(name, [*MODELS, *DATAMODULES]) or '; see zoo list'}")
    cards = []
    if name in MODELS:
        row, model = model_row(name), create_model(name)
        training = {"data": row.data, "data.batch_size": row.batch_size, "trainer.max_epochs": row.max_epochs}
        hyperparameters = {f"model.{key}": value for key, value in model.hparams.items() if value is not None}
        options = {**training, **row.options, **hyperparameters}
        size = sum(p.numel() for p in model.parameters())
        lines = [f"  --{option} {value}" for option, value in options.items()]
        card = inspect.cleandoc(model_class(name).__doc__ or "")
        cards.append("\n".join([f"the network {name}", "", card, "", f"Parameters: {size:,}", "Defaults:", *lines]))
    if name in DATAMODULES:
        card = inspect.cleandoc(datamodule_class(name).__doc__ or "")
        cards.append("\n".join([f"the data set {name}", "", card]))
    return "\n\n".join(cards)
