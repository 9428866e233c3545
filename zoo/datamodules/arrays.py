"""Tensors and arrays of numpy, in Python."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from zoo.datamodules.common.base import DataModule, DataUnavailableError
from zoo.datamodules.common.examples import Batches, Examples
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import bytes_to_floats, image_sizes
from zoo.datamodules.common.splitting import check_test_size, divide
from zoo.errors import ZooError
from zoo.kinds import InputKind, Residence, Split
from zoo.transforms import Photo, Row, Transform


class Arrays(DataModule):
    """Your own tensors or arrays of numpy: ``zoo.create_datamodule("arrays", x_train=x, y_train=y)``.

    Source: yours. Inputs with two dimensions are rows of a table; with three or four, pictures: ``(examples, rows,
    columns)`` or ``(examples, channels, rows, columns)``. Bytes of pictures are scaled to 0 to 1; other numbers are
    used as they are, in single precision. Targets that are integers, shape ``(examples,)``, are classes;
    floating-point targets are numbers to predict, shape ``(examples,)`` or ``(examples, outputs)``. What is not given
    for validation and testing is held out from the training examples, the same in each run. Checkpoints do not contain
    the arrays.

    Input: ``(batch, ...)``, floats. Target: ``(batch,)``, the class, or ``(batch, outputs)``, floats.

    Args:
        x_train: Inputs of the training set.
        y_train: Their targets.
        x_val: Inputs of the validation set.
        y_val: Their targets.
        x_test: Inputs of the test set.
        y_test: Their targets.
        classes: Names of the classes. Default: their numbers.
        val_size: Number of training examples held out for validation, or their fraction if below 1, unless ``x_val``
            is given. If 0, the test set replaces the validation set in any case.
        test_size: Number of examples held out for testing, or their fraction if below 1, unless ``x_test`` is given.
        batch_size, seed, device_resident: See :class:`zoo.datamodules.common.DataModule`.

    Raises:
        ZooError: Arrays do not fit each other, or are of a type that is not understood.
    """

    kind: InputKind = "table"
    targets = ("class", "value")

    def __init__(
        self,
        x_train: Any = None,
        y_train: Any = None,
        x_val: Any = None,
        y_val: Any = None,
        x_test: Any = None,
        y_test: Any = None,
        classes: Sequence[str] | None = None,
        batch_size: int = 64,
        val_size: ValSize = 0.1,
        test_size: int | float = 0.2,
        seed: int = 0,
        device_resident: Residence = "auto",
    ) -> None:
        pairs: dict[Split, tuple[Any, Any]]
        pairs = {"train": (x_train, y_train), "val": (x_val, y_val), "test": (x_test, y_test)}
        x_train = y_train = x_val = y_val = x_test = y_test = None  # else they were saved with the other arguments
        super().__init__(batch_size, val_size, seed, device_resident)
        check_test_size(test_size)
        self.test_size = test_size
        self.given: dict[Split, tuple[Tensor, Tensor]] = {}
        for split, (x, y) in pairs.items():
            if (x is None) != (y is None):
                raise ZooError(f"x_{split} and y_{split} belong together; give both")
            if x is not None:
                self.given[split] = _examples(x, y, split)
        if not self.given:
            return
        if "train" not in self.given:
            raise ZooError("x_train and y_train are missing")
        x, y = self.given["train"]
        for split, (other_x, other_y) in self.given.items():
            if other_x.shape[1:] != x.shape[1:] or other_y.shape[1:] != y.shape[1:] or other_y.dtype != y.dtype:
                raise ZooError(
                    f"x_{split} {_shape(other_x)} and y_{split} {_shape(other_y)} are not of the kind of "
                    f"x_train {_shape(x)} and y_train {_shape(y)}"
                )
        self.shape = tuple(x.shape[1:])
        self.kind = "table" if x.dim() == 2 else "image"
        if y.is_floating_point():
            self.target = "value"
            return
        most = max(int(targets.max()) for _, targets in self.given.values())
        self.classes = tuple(map(str, classes or range(most + 1)))
        if len(self.classes) <= most or len(self.classes) < 2:
            raise ZooError(f"the targets are 0 to {most}, but there are {len(self.classes)} classes")

    def prepare_data(self) -> None:
        """Check that there are arrays.

        Raises:
            DataUnavailableError: There are none.
        """
        if not self.given:
            raise DataUnavailableError("arrays and data sets are for Python: zoo.create_datamodule takes them")

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the sizes of the inputs, and the number of classes if the targets are classes."""
        self.prepare_data()
        sizes = image_sizes(self.shape) if self.kind == "image" else {"in_dim": self.shape[0]}
        return sizes | ({"num_classes": len(self.classes), "multilabel": False} if self.classes else {})

    def load_splits(self) -> dict[Split, Batches]:
        """Return the examples of each split."""
        self.prepare_data()
        given, val_given = dict(self.given), 0
        if isinstance(self.val_size, str) and "val" in given:
            x, y = map(torch.cat, zip(given["train"], given.pop("val"), strict=True))
            given["train"], val_given = (x, y), len(self.given["val"][1])
        x, y = given["train"]
        labels = y if self.target == "class" else torch.zeros(len(y), dtype=torch.int64)
        chosen = divide(labels, self.val_size, self.test_size, given=given, val_given=val_given)
        splits: dict[Split, Batches] = {split: Examples(x[indices], y[indices]) for split, indices in chosen.items()}
        return splits | {split: Examples(*pair) for split, pair in given.items() if split != "train"}

    def scale(self, x: Tensor) -> Tensor:
        """Convert bytes to floats in 0 to 1. Floats are returned unchanged."""
        return x if x.is_floating_point() else bytes_to_floats(x)

    @property
    def transform(self) -> Transform | None:
        """Turns a row of numbers, or a picture if the inputs are square pictures of bytes, into an input."""
        self.prepare_data()
        if self.kind == "table":
            return Row(self.shape[0])
        channels, rows, columns = self.shape
        is_photo = self.given["train"][0].dtype == torch.uint8 and rows == columns and channels in (1, 3)
        return Photo(rows, channels=channels) if is_photo else None


def _examples(x: Any, y: Any, split: Split) -> tuple[Tensor, Tensor]:
    """Return inputs and targets as tensors: bytes or floats, and class indices or floats."""
    try:
        x, y = torch.as_tensor(x), torch.as_tensor(y)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ZooError(f"x_{split} and y_{split} must be tensors or arrays of numbers: {error}") from None
    if x.dim() not in (2, 3, 4) or not len(x):
        raise ZooError(f"x_{split} has shape {_shape(x)}, expected rows (examples, features) or pictures")
    if y.dim() not in (1, 2) or len(y) != len(x):
        raise ZooError(f"y_{split} has shape {_shape(y)}, expected one target for each of {len(x)} examples")
    x = x.unsqueeze(1) if x.dim() == 3 else x
    x = x if x.dtype == torch.uint8 and x.dim() == 4 else x.float()
    for name, values in (("x", x), ("y", y)):
        if values.is_floating_point() and not values.isfinite().all():
            raise ZooError(f"{name}_{split} has numbers that are not finite")
    if y.is_floating_point():
        return x, y.float().reshape(len(y), -1)
    if y.dim() == 2 and y.shape[1] != 1:
        raise ZooError(f"y_{split} has shape {_shape(y)}; class indices have shape (examples,)")
    y = y.reshape(-1).to(torch.int64)
    if y.min() < 0:
        raise ZooError(f"y_{split} has the negative class {int(y.min())}")
    return x, y


def _shape(values: Tensor) -> str:
    return f"{tuple(values.shape)}"
