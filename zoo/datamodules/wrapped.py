"""Any map-style data set of torch, or a split of Hugging Face's ``datasets``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from zoo.datamodules.arrays import Arrays
from zoo.datamodules.common.folds import ValSize
from zoo.errors import ZooError
from zoo.kinds import Residence
from zoo.transforms import Photo, to_rgb


class Wrapped(Arrays):
    """A map-style data set: ``zoo.create_datamodule("dataset", train=torchvision.datasets.Flowers102(...))``.

    Source: yours. Examples are pairs of an input and a target, or dictionaries, as those of Hugging Face's
    ``datasets``. Inputs can be PIL pictures, which are cropped to the middle square and resized, or tensors and arrays
    as in :class:`Arrays`. Each example is read once, into memory: random transforms of the data set are drawn once.

    Input and target: as in :class:`Arrays`.

    Args:
        train: The training set: has ``len`` and indices.
        val: The validation set. Default: a part of the training set.
        test: The test set. Default: a part of the training set.
        input: Key of the input, if examples are dictionaries.
        target: Key of the target, if examples are dictionaries.
        image_size: Width and height of pictures, in pixels.
        channels: 3 for color, 1 for gray pictures.
        classes: Names of the classes. Default: those that the data set names, or their numbers.
        batch_size, val_size, test_size, seed, device_resident: See :class:`Arrays`.

    Raises:
        ZooError: An example is not of one of these kinds, or differs from the others.
    """

    def __init__(
        self,
        train: Any = None,
        val: Any = None,
        test: Any = None,
        input: str = "image",  # noqa: A002  # the key of most sets
        target: str = "label",
        image_size: int = 32,
        channels: int = 3,
        classes: Sequence[str] | None = None,
        batch_size: int = 64,
        val_size: ValSize = 0.1,
        test_size: int | float = 0.2,
        seed: int = 0,
        device_resident: Residence = "auto",
    ) -> None:
        photo, given = Photo(image_size, channels=channels), {}
        for split, examples in (("train", train), ("val", val), ("test", test)):
            if examples is not None:
                given[f"x_{split}"], given[f"y_{split}"] = _read(examples, input, target, photo, split)
        classes = classes or _names(train, target)
        train = val = test = None  # else they were saved with the other arguments
        super().__init__(
            **given,
            classes=classes,
            batch_size=batch_size,
            val_size=val_size,
            test_size=test_size,
            seed=seed,
            device_resident=device_resident,
        )


def _read(examples: Any, key: str, target: str, photo: Photo, split: str) -> tuple[Tensor, Tensor]:
    """Return all inputs and targets of a data set."""
    inputs, targets = [], []
    for index in range(len(examples)):
        try:
            example = examples[index]
            x, y = (example[key], example[target]) if isinstance(example, dict) else example
            inputs.append(_input(x, photo))
            targets.append(torch.as_tensor(y))
        except (KeyError, TypeError, ValueError, ZooError) as error:
            raise ZooError(
                f"example {index} of {split} is not a pair of an input and a target, or a dictionary with "
                f"{key!r} and {target!r}: {error}"
            ) from None
    try:
        return torch.stack(inputs), torch.stack(targets)
    except RuntimeError as error:
        raise ZooError(f"the examples of {split} differ in shape: {error}") from None


def _input(value: Any, photo: Photo) -> Tensor:
    if isinstance(value, Image.Image):
        return photo.pixels(to_rgb(value))
    if isinstance(value, str):
        raise ZooError("texts are data of --data text")
    if isinstance(value, np.ndarray | Tensor | Sequence):
        return torch.as_tensor(value)
    raise ZooError(f"expected a picture, a tensor or an array, got {type(value).__name__}")


def _names(examples: Any, target: str) -> Sequence[str] | None:
    """Return the names of the classes, if the data set has them: torchvision's, or Hugging Face's."""
    names, features = getattr(examples, "classes", None), getattr(examples, "features", None)
    if isinstance(names, list | tuple) and names:
        return list(map(str, names))
    return getattr(features.get(target), "names", None) if isinstance(features, dict) else None
