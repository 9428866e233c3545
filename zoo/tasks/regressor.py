"""Networks that predict numbers."""

from __future__ import annotations

from typing import Any

from torchmetrics.regression import MeanAbsoluteError

from zoo.tasks.task import Task


class Regressor(Task):
    """A network that predicts numbers.

    ``forward`` gives values; targets have their shape. Measures ``mae``, the mean absolute error, in the target's
    units.

    Args:
        **options: See :class:`Task`.
    """

    output = "values"

    def __init__(self, **options: Any) -> None:
        super().__init__(target="value", metrics={"mae": MeanAbsoluteError()}, **options)
