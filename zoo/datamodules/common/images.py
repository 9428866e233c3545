"""Data sets of images: padding, scaling and augmentation."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.datamodules.common.augmentation import Augmentation, check_augmentation
from zoo.datamodules.common.base import DataModule
from zoo.errors import ZooError


class ImageDataModule(DataModule):
    """A data set of images, stored as bytes ``(examples, channels, rows, columns)`` and scaled to floats in 0 to 1.

    Args:
        padding: Black pixels added on each side.
        augment: Whether to augment the training images at random, or how, by a name of torchvision: ``RandAugment``,
            ``TrivialAugmentWide``, ``AutoAugment``, ``MixUp`` or ``CutMix``.
        **options: See :class:`zoo.datamodules.common.DataModule`.
    """

    kind = "image"
    stored_shape: tuple[int, int, int]
    """Shape of a stored image."""

    def __init__(self, padding: int = 0, augment: Augmentation = False, **options: Any) -> None:
        super().__init__(**options)
        if padding < 0:
            raise ZooError(f"padding must be at least 0, got {padding}")
        check_augmentation(augment)
        self.padding, self.augment = padding, augment
        channels, rows, columns = self.stored_shape
        self.shape = (channels, rows + 2 * padding, columns + 2 * padding)

    def scale(self, x: Tensor) -> Tensor:
        """Convert bytes to floats in 0 to 1, and pad. Floats are returned unchanged."""
        if x.is_floating_point():
            return x
        return bytes_to_floats(F.pad(x, [self.padding] * 4) if self.padding else x)

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Shift and flip each image at random."""
        return crop_and_flip(x, random)

    def model_arguments(self) -> dict[str, int | bool]:
        """Return the sizes of images as vectors, pictures and sequences of rows, and the number of classes."""
        return {
            **image_sizes(self.shape),
            "num_classes": len(self.classes),
            "multilabel": self.target == "binary",
        }


def image_sizes(shape: tuple[int, ...]) -> dict[str, int | bool]:
    """Return the sizes of images as vectors, pictures and sequences of rows, as arguments of networks by name.

    Args:
        shape: Channels, rows and columns of an image.
    """
    channels, rows, columns = shape
    return {
        "in_dim": channels * rows * columns,
        "in_channels": channels,
        "image_size": rows,
        "input_size": channels * columns,
    }


def bytes_to_floats(x: Tensor) -> Tensor:
    """Return bytes as floats in 0 to 1."""
    # A tensor, since a GPU multiplies by the reciprocal of a number, which is not the same to the last bit.
    return x.float().div_(torch.full((), 255.0, device=x.device))


def crop_and_flip(x: Tensor, random: Tensor, margin: int = 4) -> Tensor:
    """Shift each image by up to ``margin`` pixels in each direction, padding with zeros, and flip half of them.

    Args:
        x: Shape ``(batch, channels, rows, columns)``.
        random: Random numbers in 0 to 1, at least of shape ``(batch, 3)``.
        margin: Largest shift, in pixels.
    """
    batch, _, rows, columns = x.shape
    padded = F.pad(x, [margin] * 4)
    top, left = (random[:, :2] * (2 * margin + 1)).long().T.unsqueeze(-1)
    row = top + torch.arange(rows, device=x.device)
    column = left + torch.arange(columns, device=x.device)
    column = torch.where(random[:, 2:3] < 0.5, column, column.flip(1))
    index = torch.arange(batch, device=x.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[index, row[:, :, None], column[:, None, :]].permute(0, 3, 1, 2).contiguous()


def small_affine(x: Tensor, random: Tensor, degrees: float = 10.0, shift: float = 0.08, zoom: float = 0.1) -> Tensor:
    """Rotate, shift and scale each image slightly, padding with zeros.

    Args:
        x: Shape ``(batch, channels, rows, columns)``.
        random: Random numbers in 0 to 1, shape ``(batch, 4)``.
        degrees: Largest rotation, in degrees.
        shift: Largest shift, as a fraction of the image's side.
        zoom: Largest change of size, as a fraction.
    """
    turn, size, right, down = (random.T * 2 - 1) * torch.tensor(
        [[degrees * torch.pi / 180], [zoom], [2 * shift], [2 * shift]], device=x.device
    )
    cos, sin = turn.cos() * (1 + size), turn.sin() * (1 + size)
    theta = torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)
