"""A fully connected network with three layers."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.tasks import Classifier, ClassifierOptions, LossName


class FCNet(Classifier):
    """Fully connected network: two hidden layers with ReLU, and a log-softmax.

    Source: "PyTorch Neural Networks", "Building Your Own Neural Network": 784 → 200 → 200 → 10.

    Input: ``(batch, 784)``, or anything that flattens to it; floats in 0 to 1.
    Output: ``(batch, num_classes)``, log-probabilities.

    Differs from the document: the log-softmax has an explicit dimension. The document's second form, a Sequential,
    gives two layers the same name, which drops a ReLU; the zoo builds the first form. The document does not train it.
    The zoo uses NLL, SGD with learning rate 0.1, batches of 64, and 10 epochs.

    Args:
        in_dim: Number of input features.
        hidden_dim: Number of units of each hidden layer.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "log_probs"
    head = "fc3"

    def __init__(
        self,
        in_dim: int = 784,
        hidden_dim: int = 200,
        num_classes: int = 10,
        *,
        loss: LossName = "nll",
        optimizer: str = "SGD",
        lr: float = 0.1,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.fc1 = nn.Linear(in_dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, hidden_dim)
        self.fc3 = self.new_head(hidden_dim)
        self.example_input_array = torch.zeros(1, in_dim)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, hidden_dim)``."""
        x = F.relu(self.fc1(x.flatten(1)))
        return F.relu(self.fc2(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, ...)`` with ``in_dim`` features each to ``(batch, num_classes)``."""
        x = self.features(x)
        return F.log_softmax(self.fc3(x), dim=-1) if self.fc3 else x
