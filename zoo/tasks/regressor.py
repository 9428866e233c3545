"""Networks for regression."""

from __future__ import annotations

from typing import Any

from torchmetrics.regression import MeanAbsoluteError

from zoo.tasks.task import Task


class Regressor(Task):
    """A network for regression.

    ``forward`` returns values, and targets have the same shape. Records ``mae``, the mean absolute error, in the units
    of the target.

    Args:
        **options: See :class:`Task`.
    """

    output = "values"

    def __init__(self, **options: Any) -> None:
        super().__init__(target="value", metrics={"mae": MeanAbsoluteError()}, **options)
