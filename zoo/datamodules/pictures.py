"""Pictures of any size and color, as the inputs of networks that learned from data sets of small images."""

from __future__ import annotations

import warnings
from pathlib import Path

import torch
from PIL import Image, ImageOps
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from zoo.errors import ZooError

FAINT = 0.2
"""Ink below this share of the darkest is paper: the noise of a scan or photo."""


def read_picture(path: Path) -> Image.Image:
    """Read a picture, upright, on white where it is transparent, in RGB.

    Raises:
        ZooError: There is no such file, or it is no picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):  # 16 bits of gray, which PIL would cut off rather than scale
                    upright = upright.convert("I").point(lambda value: value / 256).convert("L")
                upright = upright.convert("RGBA")
    except FileNotFoundError:
        raise ZooError(f"{path} does not exist") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        # PIL's own text repeats the path; SyntaxError is what it raises on a broken PNG
        raise ZooError(f"{path} cannot be read as a picture ({type(error).__name__})") from None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def digit_from_picture(path: Path, size: int) -> Tensor:
    """Turn a picture of one digit, on light or dark ground, into an input as MNIST's were made.

    The ink is cut out, scaled so that its longer side is 20 of 28 pixels, and placed with its center of mass in the
    middle.

    Args:
        path: The picture.
        size: Pixels each way of the input.

    Returns:
        Floats in 0 to 1, light ink on dark ground, shape ``(1, 1, size, size)``.

    Raises:
        ZooError: The file cannot be read, or shows nothing.
    """
    ink = _cut_out(path, round(size * 20 / 28))
    return _placed(ink, size, _start(ink.sum((0, 2)), size), _start(ink.sum((0, 1)), size))


def item_from_picture(path: Path, size: int) -> Tensor:
    """Turn a picture of one thing, on light or dark ground, into an input as Fashion-MNIST's were made: filling it.

    Args, returns and errors are those of :func:`digit_from_picture`.
    """
    item = _cut_out(path, size)
    return _placed(item, size, (size - item.shape[1]) // 2, (size - item.shape[2]) // 2)


def color_from_picture(path: Path, size: int) -> Tensor:
    """Turn a picture into an input: its middle square, scaled.

    Args:
        path: The picture.
        size: Pixels each way of the input.

    Returns:
        Bytes, shape ``(3, size, size)``.

    Raises:
        ZooError: The file cannot be read.
    """
    picture = read_picture(path)
    square: Tensor = F.pil_to_tensor(ImageOps.fit(picture, (size, size), Image.Resampling.BILINEAR))
    return square


def _cut_out(path: Path, side: int) -> Tensor:
    """What is not ground in a picture, light on dark, shape ``(1, rows, columns)``, the longer of which is ``side``."""
    ink: Tensor = F.to_dtype(F.pil_to_tensor(read_picture(path).convert("L")), torch.float32, scale=True)
    border = torch.cat([ink[0, 0], ink[0, -1], ink[0, :, 0], ink[0, :, -1]])
    ground = border.median()
    ink = (ground - ink if ground - ink.min() > ink.max() - ground else ink - ground).clamp(min=0)
    if ink.max() < FAINT:
        raise ZooError(f"{path} shows nothing: it is of one color")
    ink = ink / ink.max()
    rows, columns = (ink[0] > FAINT).nonzero().T
    ink = ink[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(length * side / max(ink.shape[1:]))) for length in ink.shape[1:])
    return F.resize(ink, [height, width], antialias=True)


def _placed(ink: Tensor, size: int, top: int, left: int) -> Tensor:
    canvas = torch.zeros(1, 1, size, size)
    canvas[0, :, top : top + ink.shape[1], left : left + ink.shape[2]] = ink
    return canvas


def _start(mass: Tensor, size: int) -> int:
    """Where a line of ink must start for its center of mass to be in the middle, without leaving the canvas."""
    center = (mass * torch.arange(len(mass))).sum() / mass.sum()
    return int((size / 2 - 0.5 - center).round().clamp(0, size - len(mass)))
