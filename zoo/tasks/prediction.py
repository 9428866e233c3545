"""Predictions, and the inputs that they are made from."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from zoo.errors import ZooError
from zoo.transforms import Transform


class Prediction(NamedTuple):
    """The predictions of a network for some inputs.

    Attributes:
        labels: The name of the class of each input. If multi-label, the names of all classes that apply. Empty for
            regression.
        values: Probabilities, shape ``(inputs, classes)``, or the numbers of a regression, ``(inputs, outputs)``.
    """

    labels: list[str] | list[tuple[str, ...]]
    values: Tensor


def input_batch(x: Any, transform: Transform | None, like: Tensor) -> Tensor:
    """Return a batch of inputs, shape ``(inputs, ...)``.

    Args:
        x: One or several pictures, texts or rows, see :meth:`zoo.tasks.Task.predict`, or a tensor of inputs.
        transform: Turns each into an input.
        like: A parameter of the network, whose device and precision the inputs get. Unlike Lightning's ``device`` and
            ``dtype``, these are always right.

    Raises:
        ZooError: There is no transform, or ``x`` is empty or invalid.
    """
    if not isinstance(x, Tensor):
        if transform is None:
            raise ZooError("the network has no transform to make inputs with: set its transform, or pass a tensor")
        values = transform.several(x)
        if not values:
            raise ZooError("there is nothing to predict: no input was given")
        x = pad_sequence([transform(value) for value in values], batch_first=True)
    if x.dim() < 2:
        raise ZooError(f"expected a tensor of inputs with a batch dimension, got one of shape {tuple(x.shape)}")
    return x.to(like.device, like.dtype if x.is_floating_point() else None)
