"""A network for XOR."""

from __future__ import annotations

from collections import OrderedDict
from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.tasks import Classifier, LossName, TaskOptions


class XOR(Classifier):
    """Multi-layer perceptron for exclusive or: 2 → 2 with tanh, 2 → 1 with a sigmoid.

    Source: "PyTorch" snippets, "Building a Neural Net from Individual Components" and "Defining a Sequential Network":
    the same network in two ways; batches of all four rows.

    Input: ``(batch, in_dim)``, zeros and ones.
    Output: ``(batch, num_classes)``, the probability of a 1.

    Differs from the document: its data lacks the outer brackets. Its Sequential form is :meth:`as_sequential`. It names
    no optimizer for this network. The zoo uses SGD with learning rate 0.5 and momentum 0.9, and 3,000 steps. With two
    hidden units, some seeds end in local minima: fewer with momentum than with plain SGD, and more with adaptive
    learning rates.

    Args:
        in_dim: Number of inputs.
        hidden_dim: Number of hidden units.
        num_classes: Number of binary outputs; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.TaskOptions`.
    """

    takes = "table"
    output = "sigmoid"
    targets = ("binary",)
    head = "hid_to_out"
    momentum = 0.9

    def __init__(
        self,
        in_dim: int = 2,
        hidden_dim: int = 2,
        num_classes: int = 1,
        *,
        loss: LossName = "bce",
        optimizer: str = "SGD",
        lr: float = 0.5,
        **options: Unpack[TaskOptions],
    ) -> None:
        super().__init__(num_classes, multilabel=True, loss=loss, optimizer=optimizer, lr=lr, **options)
        self.in_to_hid = nn.Linear(in_dim, hidden_dim)
        self.hid_to_out = self.new_head(hidden_dim)
        self.example_input_array = torch.zeros(1, in_dim)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_dim)`` to ``(batch, hidden_dim)``."""
        return torch.tanh(self.in_to_hid(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_dim)`` to ``(batch, num_classes)``."""
        x = self.features(x)
        return torch.sigmoid(self.hid_to_out(x)) if self.hid_to_out else x

    def as_sequential(self) -> nn.Sequential:
        """Return the document's second form, a Sequential that shares the layers."""
        layers = [self.in_to_hid, nn.Tanh(), *([self.hid_to_out, nn.Sigmoid()] if self.hid_to_out else [])]
        return nn.Sequential(OrderedDict(main=nn.Sequential(*layers)))
