"""Transforms of pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps
from torch import Tensor
from torch.nn import functional as F

from zoo.errors import ZooError
from zoo.transforms.base import Transform
from zoo.transforms.ink import centering_offset, extract_foreground, paste, pixels_if_ready, to_bytes
from zoo.transforms.reading import is_picture_array, read_picture, to_rgb


class PictureTransform(Transform):
    """Converts pictures of any size and color, given as PIL images or arrays of bytes."""

    takes = "image"

    def read(self, source: str) -> Image.Image:
        """Read a picture file."""
        return read_picture(Path(source))

    def is_one(self, value: Any) -> bool:
        """Return whether a value is a single picture; an array with more dimensions is several."""
        return is_picture_array(value) or super().is_one(value)


@dataclass(frozen=True)
class Digit(PictureTransform):
    """Converts a picture of one digit, on a light or dark background, to the format of MNIST.

    The ink is separated from the paper, its shadows and its lines, scaled so that its longer side is 20 of 28
    pixels, and placed with its center of mass in the middle. A picture of the right size on a dark background is used
    as it is.

    Input: floats in 0 to 1, light on dark, shape ``(channels, size + 2 padding, size + 2 padding)``.

    Args:
        size: Width and height in pixels, before padding.
        channels: Number of identical channels.
        padding: Pixels added on each side.
    """

    size: int = 28
    channels: int = 1
    padding: int = 0

    def __call__(self, value: Image.Image | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if the value is not a picture, or is empty."""
        value = to_rgb(value)
        picture = pixels_if_ready(value, self.size)
        if picture is None:
            ink = extract_foreground(value, round(self.size * 20 / 28), photographed=True)
            top, left = (centering_offset(ink.sum((0, axis)), self.size) for axis in (2, 1))
            picture = paste(ink, self.size, top, left)
        return F.pad(picture, [self.padding] * 4).expand(self.channels, -1, -1)


@dataclass(frozen=True)
class Item(PictureTransform):
    """Converts a picture of one item, on a light or dark background, to the format of Fashion-MNIST.

    Input: floats in 0 to 1, shape ``(1, size + 2 padding, size + 2 padding)``.

    Args:
        size: Width and height in pixels, before padding.
        padding: Pixels added on each side.
    """

    size: int = 28
    padding: int = 0

    def __call__(self, value: Image.Image | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if the value is not a picture, or is empty."""
        value = to_rgb(value)
        picture = pixels_if_ready(value, self.size)
        if picture is None:
            item = extract_foreground(value, self.size)
            picture = paste(item, self.size, (self.size - item.shape[1]) // 2, (self.size - item.shape[2]) // 2)
        return F.pad(picture, [self.padding] * 4)


@dataclass(frozen=True)
class Photo(PictureTransform):
    """Crops a picture to its middle square and resizes it.

    Input: floats in ``low`` to 1, shape ``(channels, size + 2 padding, size + 2 padding)``.

    Args:
        size: Width and height in pixels, before padding.
        low: Value of black; white is 1.
        padding: Black pixels added on each side.
        channels: 3 for color, 1 for gray.
    """

    size: int = 32
    low: float = 0.0
    padding: int = 0
    channels: int = 3

    def __post_init__(self) -> None:
        if self.channels not in (1, 3):
            raise ZooError(f"the transform Photo expects channels 1 or 3, got {self.channels}")

    def __call__(self, value: Image.Image | np.ndarray[Any, Any]) -> Tensor:
        """Return the input. Raises ZooError if the value is not a picture."""
        pixels = F.pad(self.pixels(to_rgb(value)), [self.padding] * 4)
        return pixels.float().div_(255).mul_(1 - self.low).add_(self.low)

    def pixels(self, picture: Image.Image) -> Tensor:
        """Return the middle square of an RGB picture as bytes, shape ``(channels, size, size)``."""
        colored = picture if self.channels == 3 else picture.convert("L")
        return to_bytes(ImageOps.fit(colored, (self.size, self.size), Image.Resampling.BILINEAR))
