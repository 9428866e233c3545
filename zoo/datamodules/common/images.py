"""What the data sets of images share: padding, scaling, augmentation, and what networks must know of them."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from zoo.datamodules.common.base import DataModule
from zoo.errors import ZooError


class ImageDataModule(DataModule):
    """Images, kept as bytes ``(examples, channels, rows, columns)``, floats in 0 to 1 for the network.

    Args:
        padding: Pixels of the darkest value added on every side.
        augment: Whether to vary the training images at random.
        **rest: See :class:`zoo.datamodules.common.base.DataModule`.
    """

    kind = "image"
    stored_shape: tuple[int, int, int]
    """Shape of an image as it is stored."""

    def __init__(self, padding: int = 0, augment: bool = False, **rest: Any) -> None:
        super().__init__(**rest)
        if padding < 0:
            raise ZooError(f"padding must be at least 0, got {padding}")
        self.padding, self.augment = padding, augment
        channels, rows, columns = self.stored_shape
        self.shape = (channels, rows + 2 * padding, columns + 2 * padding)

    def scale(self, x: Tensor) -> Tensor:
        """Turn bytes into floats in 0 to 1, and pad; what is scaled already stays as it is."""
        if x.is_floating_point():
            return x
        return F.pad(x, [self.padding] * 4).float().div_(255) if self.padding else x.float().div_(255)

    def augment_batch(self, x: Tensor, random: Tensor) -> Tensor:
        """Shift and mirror each image."""
        return crop_and_flip(x, random)

    def model_arguments(self) -> dict[str, int | bool]:
        """Return sizes, for networks that flatten an image, look at it, or read it row by row; and the classes."""
        channels, rows, columns = self.shape
        return {
            "in_dim": channels * rows * columns,
            "in_channels": channels,
            "image_size": rows,
            "input_size": channels * columns,
            "num_classes": len(self.classes),
            "multilabel": self.target == "binary",
        }


def crop_and_flip(x: Tensor, random: Tensor, margin: int = 4) -> Tensor:
    """Shift each image by up to ``margin`` pixels each way, with zeros moving in, and mirror every other one at random.

    Args:
        x: Shape ``(batch, channels, rows, columns)``.
        random: Random numbers in 0 to 1, shape ``(batch, 3)`` at least.
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
    """Turn, shift and scale each image a little, with zeros moving in.

    Args:
        x: Shape ``(batch, channels, rows, columns)``.
        random: Random numbers in 0 to 1, shape ``(batch, 4)``.
        degrees: Largest turn, in degrees.
        shift: Largest shift, as a share of the image's side.
        zoom: Largest change of size, as a share of it.
    """
    turn, size, right, down = (random.T * 2 - 1) * torch.tensor(
        [[degrees * torch.pi / 180], [zoom], [2 * shift], [2 * shift]], device=x.device
    )
    cos, sin = turn.cos() * (1 + size), turn.sin() * (1 + size)
    theta = torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)
    return F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)
