"""Fashion-MNIST, in the files of torchvision."""

from __future__ import annotations

from torch import Tensor
from torchvision import datasets

from zoo.datamodules.common.images import crop_and_flip
from zoo.datamodules.mnist import MNIST
from zoo.transforms import Item, Transform


class FashionMNIST(MNIST):
    """Articles of clothing: 60,000 for training and validation, 10,000 for testing, 28×28 gray, light on dark.

    Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms".
    Read from ``ROOT/FashionMNIST/raw``, as with torchvision, and downloaded if absent.

    Input: ``(batch, 1, 28, 28)``, floats in 0 to 1. Target: ``(batch,)``, the kind of article.

    Args:
        augment: Whether to shift and flip the training images at random;
            or ``RandAugment``, ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``, as in torchvision.
        root, padding, batch_size, val_size, seed, device_resident: See :class:`zoo.datamodules.MNIST`.
    """

    classes = (
        *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    source = datasets.FashionMNIST

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Shift and flip each article at random."""
        return crop_and_flip(x, random)

    @property
    def transform(self) -> Transform:
        """Turns a picture of one article into an input."""
        return Item(padding=self.padding)
