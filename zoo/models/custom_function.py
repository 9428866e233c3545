"""A function with two unknown coefficients."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks import LossName, Regressor, TaskOptions


class CustomFunction(Regressor):
    """The function (x, y) ↦ A·x·log(y) + B·y², whose coefficients A and B are learned.

    Source: "PyTorch" snippets, "Defining a Custom Model". A and B start from the standard normal distribution.

    Input: ``(batch, 2)``: x, and a positive y.
    Output: ``(batch, 1)``.

    Differs from the document: ``forward`` returns its result, which the listing forgets. The document does not train
    the function; the zoo uses the sum of squares, SGD with learning rate 1e-3, all points in one batch, and 500 steps.

    Args:
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.TaskOptions`.
    """

    takes = "table"

    def __init__(
        self,
        *,
        loss: LossName = "mse_sum",
        optimizer: str = "SGD",
        lr: float = 1e-3,
        **options: Unpack[TaskOptions],
    ) -> None:
        super().__init__(loss=loss, optimizer=optimizer, lr=lr, **options)
        self.A = nn.Parameter(torch.randn(1))
        self.B = nn.Parameter(torch.randn(1))
        self.example_input_array = torch.ones(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, 2)`` to ``(batch, 1)``."""
        x, y = x[:, :1], x[:, 1:]
        return self.A * x * torch.log(y) + self.B * y * y
