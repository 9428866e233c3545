"""A convolutional network for handwritten digits."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.errors import ZooError
from zoo.tasks import Classifier, ClassifierOptions, LossName


class DigitsCNN(Classifier):
    """Convolutional network for digits: two convolutions of 3×3, max-pooled, and three linear layers.

    Source: "PyTorch" snippets, "Handwritten Digits Classifier": 1 → 6 → 16 channels, 576 → 120 → 84 → 10, on 32×32;
    SGD with learning rate 0.01.

    Input: ``(batch, 1, 32, 32)``, floats in 0 to 1: MNIST with 2 pixels of padding.
    Output: ``(batch, num_classes)``, logits.

    Differs from the document: it shows an MSE loss with a dummy target, and no data. The zoo uses cross-entropy on
    MNIST, batches of 16, and 5 epochs.

    Args:
        in_channels: Number of channels of an image.
        image_size: Width and height of an image, at least 10 pixels.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "logits"
    head = "fc3"

    def __init__(
        self,
        in_channels: int = 1,
        image_size: int = 32,
        num_classes: int = 10,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "SGD",
        lr: float = 0.01,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        side = ((image_size - 2) // 2 - 2) // 2  # of the last feature maps
        if side < 1:
            raise ZooError(f"image_size must be at least 10, got {image_size}")
        self.conv1 = nn.Conv2d(in_channels, 6, 3)
        self.conv2 = nn.Conv2d(6, 16, 3)
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = self.new_head(84)
        self.example_input_array = torch.zeros(1, in_channels, image_size, image_size)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_channels, image_size, image_size)`` to ``(batch, 84)``."""
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = F.relu(self.fc1(x.flatten(1)))
        return F.relu(self.fc2(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_channels, image_size, image_size)`` to ``(batch, num_classes)``."""
        x = self.features(x)
        return self.fc3(x) if self.fc3 else x
