"""A network for two half moons."""

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks import Classifier, ClassifierOptions, LossName


class TwoMoonsMLP(Classifier):
    """Multi-layer perceptron for points in the plane.

    Source: none; it is an example. Input: ``(batch, in_dim)``. Output: ``(batch, num_classes)``, logits.

    Args:
        in_dim: Number of features of a point.
        hidden_dim: Number of hidden units.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    takes = "table"
    output = "logits"
    head = "out"

    def __init__(
        self,
        in_dim: int = 2,
        hidden_dim: int = 32,
        num_classes: int = 2,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "Adam",
        lr: float = 0.01,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.hidden = nn.Linear(in_dim, hidden_dim)
        self.out = self.new_head(hidden_dim)
        self.example_input_array = torch.zeros(1, in_dim)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_dim)`` to ``(batch, hidden_dim)``."""
        return torch.relu(self.hidden(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_dim)`` to ``(batch, num_classes)``."""
        x = self.features(x)
        return self.out(x) if self.out else x
