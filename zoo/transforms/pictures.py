"""From pictures to inputs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from zoo.transforms.base import Transform
from zoo.transforms.ink import centering_offset, extract_foreground, paste, pixels_if_ready
from zoo.transforms.reading import is_picture_array, read_picture, to_rgb


class PictureTransform(Transform):
    """Takes pictures of any size and color, as PIL images or arrays of bytes."""

    takes = "image"

    def read(self, source: str) -> Image.Image:
        """Read a picture file."""
        return read_picture(Path(source))

    def is_one(self, value: Any) -> bool:
        """Whether this is one picture; an array of more dimensions holds several."""
        return is_picture_array(value) or super().is_one(value)


@dataclass(frozen=True)
class Digit(PictureTransform):
    """Makes a picture of one digit, on light or dark ground, what the pictures of MNIST are.

    The ink is cut out, whatever the light and the lines on the paper, scaled so that its longer side is 20 of 28
    pixels, and placed with its center of mass in the middle. A picture of the right size on dark ground is taken as it
    is: it is such a picture already.

    Input: floats in 0 to 1, light ink on dark ground, shape ``(channels, size + 2 padding, size + 2 padding)``.

    Args:
        size: Pixels each way, before the padding.
        channels: Number of equal channels.
        padding: Pixels added on every side.
    """

    size: int = 28
    channels: int = 1
    padding: int = 0

    def __call__(self, value: Image.Image | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if it is no picture, or shows nothing."""
        value = to_rgb(value)
        picture = pixels_if_ready(value, self.size)
        if picture is None:
            ink = extract_foreground(value, round(self.size * 20 / 28), photographed=True)
            top, left = (centering_offset(ink.sum((0, axis)), self.size) for axis in (2, 1))
            picture = paste(ink, self.size, top, left)
        return F.pad(picture, [self.padding]).expand(self.channels, -1, -1)


@dataclass(frozen=True)
class Item(PictureTransform):
    """Makes a picture of one thing, on light or dark ground, what the pictures of Fashion-MNIST are: filled by it.

    Input: floats in 0 to 1, shape ``(1, size + 2 padding, size + 2 padding)``.

    Args:
        size: Pixels each way, before the padding.
        padding: Pixels added on every side.
    """

    size: int = 28
    padding: int = 0

    def __call__(self, value: Image.Image | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if it is no picture, or shows nothing."""
        value = to_rgb(value)
        picture = pixels_if_ready(value, self.size)
        if picture is None:
            item = extract_foreground(value, self.size)
            picture = paste(item, self.size, (self.size - item.shape[1]) // 2, (self.size - item.shape[2]) // 2)
        return F.pad(picture, [self.padding])


@dataclass(frozen=True)
class Photo(PictureTransform):
    """Scales the middle square of a picture.

    Input: floats in ``low`` to 1, shape ``(3, size + 2 padding, size + 2 padding)``.

    Args:
        size: Pixels each way, before the padding.
        low: What black becomes; white becomes 1.
        padding: Black pixels added on every side.
    """

    size: int = 32
    low: float = 0.0
    padding: int = 0

    def __call__(self, value: Image.Image | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if it is no picture."""
        pixels = F.pad(self.pixels(to_rgb(value)), [self.padding])
        return pixels.float().div_(255).mul_(1 - self.low).add_(self.low)

    def pixels(self, picture: Image.Image) -> Tensor:
        """Return the middle square of a picture in RGB as bytes, shape ``(3, size, size)``."""
        square = ImageOps.fit(picture, (self.size, self.size), Image.Resampling.BILINEAR)
        pixels: Tensor = F.pil_to_tensor(square)
        return pixels
