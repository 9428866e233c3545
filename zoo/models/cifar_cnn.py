"""A convolutional network for small color images."""

from __future__ import annotations

from typing import Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zoo.errors import ZooError
from zoo.tasks import Classifier, ClassifierOptions, LossName


class CifarCNN(Classifier):
    """Convolutional network for CIFAR-10: two convolutions of 5×5, max-pooled, and three linear layers.

    Source: "Intro to pytorch" (post), class ``Net``: 3 → 6 → 16 channels, 400 → 120 → 84 → 10, on 32×32; cross-
    entropy, SGD with learning rate 1e-3 and momentum 0.9, batches of 4.

    Input: ``(batch, 3, 32, 32)``, floats in -1 to 1.
    Output: ``(batch, num_classes)``, logits.

    Differs from the document: it calls the network AlexNet, which it is not. It gives no number of epochs; the zoo uses
    2, as the tutorial that it refers to.

    Args:
        in_channels: Number of channels of an image.
        image_size: Width and height of an image, at least 16 pixels.
        num_classes: Number of classes; 0 for the features alone.
        loss: Name of the loss.
        optimizer: Name of a class of torch.optim.
        lr: Learning rate.
        **options: See :class:`zoo.tasks.ClassifierOptions`.
    """

    output = "logits"
    head = "fc3"
    momentum = 0.9

    def __init__(
        self,
        in_channels: int = 3,
        image_size: int = 32,
        num_classes: int = 10,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "SGD",
        lr: float = 1e-3,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        side = ((image_size - 4) // 2 - 4) // 2  # of the last feature maps
        if side < 1:
            raise ZooError(f"image_size must be at least 16, got {image_size}")
        self.conv1 = nn.Conv2d(in_channels, 6, 5)
        self.pool = nn.MaxPool2d(2, 2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(16 * side * side, 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = self.new_head(84)
        self.example_input_array = torch.zeros(1, in_channels, image_size, image_size)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_channels, image_size, image_size)`` to ``(batch, 84)``."""
        x = self.pool(F.relu(self.conv1(x)))
        x = self.pool(F.relu(self.conv2(x)))
        x = F.relu(self.fc1(x.flatten(1)))
        return F.relu(self.fc2(x))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_channels, image_size, image_size)`` to ``(batch, num_classes)``."""
        x = self.features(x)
        return self.fc3(x) if self.fc3 else x
