"""A convolutional network, as a Sequential with a head."""

from __future__ import annotations

from collections import OrderedDict
from typing import Unpack

import torch
from torch import Tensor, nn

from zoo.errors import ZooError
from zoo.tasks import Classifier, ClassifierOptions, LossName


class ConvNet(Classifier):
    """Two 5×5 convolutions with ReLU as a Sequential, and a linear head on their pooled maps.

    Source: "PyTorch Neural Networks", "Sequential": conv1 1 → 20, relu1, conv2 20 → 64, relu2.

    Input: ``(batch, 1, 28, 28)``, floats in 0 to 1.
    Output: ``(batch, num_classes)``, logits.

    Differs from the document: it stops at the feature maps. The zoo adds 2×2 max-pooling and a linear layer, so that
    the network classifies, and its training: cross-entropy, SGD with learning rate 0.05, batches of 64, 3 epochs. The
    document's Sequential is ``model``, whose weights load into it.

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
    head = "fc"

    def __init__(
        self,
        in_channels: int = 1,
        image_size: int = 28,
        num_classes: int = 10,
        *,
        loss: LossName = "cross_entropy",
        optimizer: str = "SGD",
        lr: float = 0.05,
        **options: Unpack[ClassifierOptions],
    ) -> None:
        super().__init__(num_classes, loss=loss, optimizer=optimizer, lr=lr, **options)
        side = (image_size - 8) // 2  # of the pooled feature maps
        if side < 1:
            raise ZooError(f"image_size must be at least 10, got {image_size}")
        self.model = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(in_channels, 20, 5), relu1=nn.ReLU(), conv2=nn.Conv2d(20, 64, 5), relu2=nn.ReLU()
            )
        )
        self.pool = nn.MaxPool2d(2)
        self.fc = self.new_head(64 * side * side)
        self.example_input_array = torch.zeros(1, in_channels, image_size, image_size)

    def features(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_channels, image_size, image_size)`` to the flattened pooled maps."""
        return self.pool(self.model(x)).flatten(1)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``(batch, in_channels, image_size, image_size)`` to ``(batch, num_classes)``."""
        x = self.features(x)
        return self.fc(x) if self.fc else x
