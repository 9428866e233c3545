"""A feed-forward network of any depth."""

from __future__ import annotations

from itertools import pairwise
from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.models.layers.dropout import Dropout
from zoo.tasks import Classifier, ClassifierOptions, LossName


class FeedForwardNN(Classifier):
    """Feed-forward network: hidden layers, each linear, dropout, ReLU; then a projection and a log-softmax.

    Source: "PyTorch Neural Networks", "Feedforward Neural Network" and "Example: Classification with FashionMNIST":
    two hidden layers of 512, dropout 0.2; NLL, SGD with learning rate 0.1 and momentum 0.9, batches of 64, 10 epochs,
    evaluated every 500 steps.

    Input: ``(batch, 784)``, or anything that flattens to it; floats in 0 to 1.
    Output: ``(batch, num_classes)``, log-probabilities.

    Differs from the document: ``input_size`` is called ``in_dim``, as everywhere in the zoo.

    Args:
        in_dim: Number of input features.
        num_classes: Number of classes; 0 for the features alone.
        num_hidden: Number of hidden layers.
        hidden_dim: Number of units of each hidden layer.
        dropout: Dropout probability after each hidden layer.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "log_probs"
    head = "output_projection"
    momentum = 0.9

    def __init__(
        self,
        in_dim: int = 784,
        num_classes: int = 10,
        num_hidden: int = 2,
        hidden_dim: int = 512,
        dropout: float = 0.2,
        *,
        loss: LossName = "nll",
        optimizer: str = "SGD",
        lr: float = 0.1,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.dropout = Dropout(dropout)
        self.nonlinearity = nn.ReLU()
        sizes = [in_dim, *[hidden_dim] * num_hidden]
        self.hidden_layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))
        self.output_projection = self.new_head(hidden_dim)
        self.example_input_array = torch.zeros(1, in_dim)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, hidden_dim)``."""
        x = x.flatten(1)
        for hidden_layer in self.hidden_layers:
            x = self.nonlinearity(self.dropout(hidden_layer(x)))
        return x

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, num_classes)``."""
        x = self.features(x)
        return F.log_softmax(self.output_projection(x), dim=-1) if self.output_projection else x
