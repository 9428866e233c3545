"""Linear regression."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks import LossName, Regressor, TaskOptions


class LinearRegression(Regressor):
    """Linear regression: a weighted sum of the features, without a bias.

    Source: a post that introduces PyTorch by a linear problem, "Basic torch functionalities for a linear problem" and
    the sections after it. It fits y = 2x² + 3 + noise on the features [x², 1], 30 points at once, by a hand-written
    gradient, with autograd, ``nn`` and ``optim``: sum of squares, 1,001 steps, weights near 2.02 and 2.97, and a loss
    near 0.333.

    Input: ``(batch, in_dim)``, the features [x², 1]; any floats.
    Output: ``(batch, 1)``.

    Differs from the document: the hand-written gradient, which its listing leaves undefined, is
    :meth:`gradient_by_hand`. The default learning rate is that of its ``nn`` section, 1e-3, the only one of its rates
    with which a sum of squares that is not divided by the number of points converges.

    Args:
        in_dim: Number of features.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.TaskOptions`.
    """

    takes = "table"

    def __init__(
        self,
        in_dim: int = 2,
        *,
        loss: LossName = "mse_sum",
        optimizer: str = "SGD",
        lr: float = 1e-3,
        **options: Unpack[TaskOptions],
    ) -> None:
        super().__init__(loss=loss, optimizer=optimizer, lr=lr, **options)
        self.mdl = nn.Linear(in_dim, 1, bias=False)
        self.example_input_array = torch.ones(1, in_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_dim)`` to ``(batch, 1)``."""
        return self.mdl(x)

    def gradient_by_hand(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the gradient of the sum of squares, shape ``(1, in_dim)``: 2 (prediction - y)ᵀ x."""
        return 2 * (self(x) - y).T @ x
