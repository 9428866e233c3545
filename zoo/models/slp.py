"""A single-layer perceptron."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor

from zoo.tasks import Classifier, ClassifierOptions, LossName


class SLP(Classifier):
    """Single-layer perceptron: one linear layer and a sigmoid.

    Source: "Neural Networks in PyTorch" (notebook, class ``SLP``), which trains it on MNIST with the mean squared error
    to the one-hot label, SGD with learning rate 0.5, batches of 64, for 10 epochs: 0.900 on the training set.

    Input: ``(batch, 784)``, or anything that flattens to it, such as ``(batch, 1, 28, 28)``; floats in 0 to 1.
    Output: ``(batch, num_classes)``, sigmoids in 0 to 1.

    Differs from the document: ``out_dim`` is called ``num_classes``, as everywhere in the zoo.

    Args:
        in_dim: Number of input features.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "sigmoid"
    head = "fc"

    def __init__(
        self,
        in_dim: int = 784,
        num_classes: int = 10,
        *,
        loss: LossName = "mse",
        optimizer: str = "SGD",
        lr: float = 0.5,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.fc = self.new_head(in_dim)
        self.example_input_array = torch.zeros(1, in_dim)

    def features(self, x: Tensor) -> Tensor:
        """Flatten ``(batch, ...)`` to ``(batch, in_dim)``."""
        return x.flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, num_classes)``."""
        x = self.features(x)
        return torch.sigmoid(self.fc(x)) if self.fc else x
