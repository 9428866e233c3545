"""Fashion-MNIST, as torchvision lays it out on disk."""

from __future__ import annotations

from torch import Tensor
from torchvision import datasets

from zoo.datamodules.common.images import crop_and_flip
from zoo.datamodules.mnist import MNIST
from zoo.transforms import Item, Transform


class FashionMNIST(MNIST):
    """Articles of clothing: 60,000 to train and validate, 10,000 to test, gray, 28 pixels each way, light on dark.

    Source: Xiao, Rasul, Vollgraf, "Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms".
    Read from ``ROOT/FashionMNIST/raw``, where torchvision keeps it, and downloaded there if it is absent.

    Input: ``(batch, 1, 28, 28)``, floats in 0 to 1. Target: ``(batch,)``, the kind of article.

    Args:
        root: Folder of the data sets. Default: the environment's ZOO_DATA, else ``data``.
        padding: Dark pixels added on every side: 2 make the images 32 pixels each way.
        augment: Whether to shift and mirror the training images at random.
        batch_size: Examples a batch, over all ranks together.
        val_size: Examples held out of the training set for validation, or their share, below 1. With 0, all of it is
            trained on and the test set takes the place of the validation set.
        seed: Seeds the order of the training examples.
    """

    classes = (
        *("T-shirt", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    )
    source = datasets.FashionMNIST

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Shift and mirror each article."""
        return crop_and_flip(x, random)

    @property
    def transform(self) -> Transform:
        """What turns a picture of one article into an input."""
        return Item(padding=self.padding)
