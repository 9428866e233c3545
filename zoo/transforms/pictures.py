"""From pictures to inputs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from zoo.errors import ZooError
from zoo.files import open_file
from zoo.transforms.base import Transform

FAINT = 0.2
"""Ink below this share of the darkest is paper: the noise of a scan or photo."""


class PictureTransform(Transform):
    """Takes pictures of any size and color, as PIL images."""

    takes = "image"

    def read(self, source: str) -> Image.Image:
        """Read a picture file."""
        return read_picture(Path(source))


@dataclass(frozen=True)
class Digit(PictureTransform):
    """Makes a picture of one digit, on light or dark ground, what the pictures of MNIST are.

    The ink is cut out, scaled so that its longer side is 20 of 28 pixels, and placed with its center of mass in the
    middle. A picture of the right size on dark ground is taken as it is: it is such a picture already.

    Input: floats in 0 to 1, light ink on dark ground, shape ``(channels, size + 2 padding, size + 2 padding)``.

    Args:
        size: Pixels each way, before the padding.
        channels: Number of equal channels.
        padding: Pixels added on every side.
    """

    size: int = 28
    channels: int = 1
    padding: int = 0

    def __call__(self, value: Image.Image) -> Tensor:
        """Return the input. Raises ZooError if it is no picture, or shows nothing."""
        check_picture(value)
        picture = _as_stored(value, self.size)
        if picture is None:
            ink = _cut_out(value, round(self.size * 20 / 28))
            picture = _placed(ink, self.size, _start(ink.sum((0, 2)), self.size), _start(ink.sum((0, 1)), self.size))
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

    def __call__(self, value: Image.Image) -> Tensor:
        """Return the input. Raises ZooError if it is no picture, or shows nothing."""
        check_picture(value)
        picture = _as_stored(value, self.size)
        if picture is None:
            item = _cut_out(value, self.size)
            picture = _placed(item, self.size, (self.size - item.shape[1]) // 2, (self.size - item.shape[2]) // 2)
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

    def __call__(self, value: Image.Image) -> Tensor:
        """Return the input. Raises ZooError if it is no picture."""
        check_picture(value)
        pixels = F.pad(self.pixels(value), [self.padding])
        return pixels.float().div_(255).mul_(1 - self.low).add_(self.low)

    def pixels(self, picture: Image.Image) -> Tensor:
        """Return the middle square as bytes, shape ``(3, size, size)``."""
        square = ImageOps.fit(picture.convert("RGB"), (self.size, self.size), Image.Resampling.BILINEAR)
        pixels: Tensor = F.pil_to_tensor(square)
        return pixels


def check_picture(value: object) -> None:
    """Raise ZooError for what is no picture of PIL."""
    if not isinstance(value, Image.Image):
        raise ZooError(f"a picture is a PIL image, such as Image.open gives, not a {type(value).__name__}")


def read_picture(path: Path) -> Image.Image:
    """Read a picture, upright, on white where it is transparent, in RGB.

    Raises:
        ZooError: There is no such file, or it is no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with open_file(path) as file, Image.open(file) as image:
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):  # 16 bits of gray, which PIL would cut off rather than scale
                    upright = upright.convert("I").point(lambda value: value / 256).convert("L")
                upright = upright.convert("RGBA")
    except FileNotFoundError:
        raise ZooError(f"{path} does not exist") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ZooError(f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels; scale it down") from None
    except (OSError, ValueError, SyntaxError) as error:  # the last one is what PIL raises on a broken PNG
        reason = getattr(error, "strerror", None) or "it is none, or is damaged"  # PIL's own text repeats the path
        raise ZooError(f"{str(path)[:300]} cannot be read as a picture: {reason}") from None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def _as_stored(picture: Image.Image, size: int) -> Tensor | None:
    """Return a picture of the right size on dark ground, in gray, shape ``(1, size, size)``; None if it is no such."""
    if picture.size != (size, size):
        return None
    pixels = _gray(picture)
    return pixels if _border(pixels).median() < 0.5 else None


def _gray(picture: Image.Image) -> Tensor:
    gray: Tensor = F.pil_to_tensor(picture.convert("L"))
    return gray.float().div_(255)


def _border(pixels: Tensor) -> Tensor:
    return torch.cat([pixels[0, 0], pixels[0, -1], pixels[0, :, 0], pixels[0, :, -1]])


def _cut_out(picture: Image.Image, side: int) -> Tensor:
    """What is not ground in a picture, light on dark, shape ``(1, rows, columns)``, the longer of which is ``side``."""
    ink = _gray(picture)
    ground = _border(ink).median()
    ink = (ground - ink if ground - ink.min() > ink.max() - ground else ink - ground).clamp(min=0)
    if ink.max() < FAINT:
        raise ZooError("the picture shows nothing: it is of one color")
    ink = ink / ink.max()
    rows, columns = (ink[0] > FAINT).nonzero().T
    ink = ink[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(length * side / max(ink.shape[1:]))) for length in ink.shape[1:])
    return F.resize(ink, [height, width], antialias=True)


def _placed(ink: Tensor, size: int, top: int, left: int) -> Tensor:
    canvas = torch.zeros(1, size, size)
    canvas[:, top : top + ink.shape[1], left : left + ink.shape[2]] = ink
    return canvas


def _start(mass: Tensor, size: int) -> int:
    """Where a line of ink must start for its center of mass to be in the middle, without leaving the canvas."""
    center = (mass * torch.arange(len(mass))).sum() / mass.sum()
    return int((size / 2 - 0.5 - center).round().clamp(0, size - len(mass)))
