"""A multi-layer perceptron."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks import Classifier, ClassifierOptions, LossName


class MLP(Classifier):
    """Multi-layer perceptron: two linear layers, each followed by a sigmoid.

    Source: "Neural Networks in PyTorch" (notebook, class ``MLP``), which trains it on MNIST with the mean squared error
    to the one-hot label, SGD with learning rate 0.5, batches of 64, for 10 epochs: 0.896 on the training set.

    Input: ``(batch, 784)``, or anything that flattens to it, such as ``(batch, 1, 28, 28)``; floats in 0 to 1.
    Output: ``(batch, num_classes)``, sigmoids in 0 to 1.

    Differs from the document: ``out_dim`` is called ``num_classes``, as everywhere in the zoo.

    Args:
        in_dim: Number of input features.
        hidden_dim: Number of hidden units.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "sigmoid"
    head = "fc2"

    def __init__(
        self,
        in_dim: int = 784,
        hidden_dim: int = 50,
        num_classes: int = 10,
        *,
        loss: LossName = "mse",
        optimizer: str = "SGD",
        lr: float = 0.5,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.fc1 = nn.Linear(in_dim, hidden_dim)
        self.fc2 = self.new_head(hidden_dim)
        self.example_input_array = torch.zeros(1, in_dim)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, hidden_dim)``."""
        return torch.sigmoid(self.fc1(x.flatten(1)))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, num_classes)``."""
        x = self.features(x)
        return torch.sigmoid(self.fc2(x)) if self.fc2 else x
