"""The digits of scikit-learn, which need no download."""

from __future__ import annotations

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from zoo.datamodules.common.augmentation import Augmentation
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import ImageDataModule, small_affine
from zoo.datamodules.common.in_memory import InMemory
from zoo.errors import ZooError
from zoo.transforms import Digit, Transform

TEST_SIZE = 360


class Digits(InMemory, ImageDataModule):
    """Handwritten digits: 1,437 for training and validation, 360 for testing, scaled up from 8×8, light on dark.

    Source: E. Alpaydin, C. Kaynak, "Optical Recognition of Handwritten Digits" (UCI), the part that comes with
    scikit-learn. The test set is the last 360 of the file.

    Input: ``(batch, channels, image_size, image_size)``, floats in 0 to 1, placed as in MNIST.
    Target: ``(batch,)``, the digit.

    Args:
        image_size: Width and height to which the digits are scaled, at least 16 pixels.
        channels: Number of identical channels.
        augment: Whether to rotate, shift and scale the training images slightly, at random;
            or ``RandAugment``, ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``, as in torchvision.
        batch_size, val_size, seed: See :class:`zoo.datamodules.common.DataModule`.
    """

    classes = tuple("0123456789")
    any_shape = True

    def __init__(
        self,
        image_size: int = 28,
        channels: int = 1,
        augment: Augmentation = False,
        batch_size: int = 64,
        val_size: ValSize = 180,
        seed: int = 0,
    ) -> None:
        if image_size < 16 or channels < 1:
            raise ZooError(f"image_size must be at least 16 and channels at least 1, got {image_size} and {channels}")
        self.stored_shape = (channels, image_size, image_size)
        super().__init__(augment=augment, batch_size=batch_size, val_size=val_size, seed=seed)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the training or test set: bytes ``(examples, *shape)`` and labels ``(examples,)``."""
        from sklearn.datasets import load_digits  # takes a second to import

        bunch = load_digits()
        part = slice(None, -TEST_SIZE) if train else slice(-TEST_SIZE, None)
        sixteenths = torch.from_numpy(bunch.images[part]).float().unsqueeze(1)
        channels, size, _ = self.shape
        margin = round(size * 4 / 28)
        large = F.resize(sixteenths * (255 / 16), [size - 2 * margin] * 2)
        images = F.pad(large, [margin]).round().to(torch.uint8).expand(-1, channels, -1, -1).contiguous()
        return images, torch.from_numpy(bunch.target[part]).to(torch.int64)

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Rotate, shift and scale each digit slightly. Flipped digits would not be digits."""
        return small_affine(x, random)

    @property
    def transform(self) -> Transform:
        """Turns a picture of a digit into an input."""
        channels, size, _ = self.shape
        return Digit(size, channels)
