"""The same perceptrons in Keras 3 on JAX."""

from __future__ import annotations

import contextlib
import os
import time

os.environ["KERAS_BACKEND"] = "jax"

import keras
from cases import Case
from times import Terminal

LAYERS = {"slp": [], "mlp": [50], "ffnn": [512, 512]}
"""Sizes of the hidden layers of the networks that are written in Keras too."""


def network(name: str) -> keras.Model:
    """Return a network, compiled with the optimizer and the loss of its document."""
    layers: list[keras.layers.Layer] = [keras.Input((784,))]
    for size in LAYERS[name]:
        layers.append(keras.layers.Dense(size, activation="relu" if name == "ffnn" else "sigmoid"))
        layers += [keras.layers.Dropout(0.2)] * (name == "ffnn")
    layers.append(keras.layers.Dense(10, activation="softmax" if name == "ffnn" else "sigmoid"))
    return keras.Sequential(layers)


def keras_fit(case: Case, epochs: int, steps: int = 1) -> list[float]:
    """Train by ``fit``, with ``steps`` of ``steps_per_execution``, and return when each epoch ended."""
    loaders = case.loaders()
    parts = [tuple(tensor.numpy() for tensor in loader.dataset.tensors) for loader in loaders.values()]  # type: ignore[attr-defined]
    times: list[float] = []
    model = network(case.model)
    is_ffnn = case.model == "ffnn"
    model.compile(
        keras.optimizers.SGD(0.1, momentum=0.9) if is_ffnn else keras.optimizers.SGD(0.5),
        "sparse_categorical_crossentropy" if is_ffnn else "mse",
        metrics=["accuracy"],
        steps_per_execution=steps,
    )
    noted = keras.callbacks.LambdaCallback(on_epoch_end=lambda *_: times.append(time.perf_counter()))
    with contextlib.redirect_stdout(Terminal()):
        (x, y), test = parts
        model.fit(x, y, batch_size=case.batch_size, epochs=epochs, validation_data=test, callbacks=[noted])
    return times
