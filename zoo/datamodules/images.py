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
                upright = ImageOps.exif_transpose(image).convert("RGBA")
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
    ink = F.to_dtype(F.pil_to_tensor(read_picture(path).convert("L")), torch.float32, scale=True)
    border = torch.cat([ink[0, 0], ink[0, -1], ink[0, :, 0], ink[0, :, -1]])
    ground = border.median()
    ink = (ground - ink if ground > 0.5 else ink - ground).clamp(min=0)
    if ink.max() < FAINT:
        raise ZooError(f"{path} shows no digit: it is of one color")
    ink = ink / ink.max()
    rows, columns = (ink[0] > FAINT).nonzero().T
    ink = ink[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    scale = size * 20 / 28 / max(ink.shape[1:])
    height, width = (max(1, round(side * scale)) for side in ink.shape[1:])
    ink = F.resize(ink, [height, width], antialias=True)
    canvas = torch.zeros(1, 1, size, size)
    top = _start(ink.sum((0, 2)), size)
    left = _start(ink.sum((0, 1)), size)
    canvas[0, :, top : top + height, left : left + width] = ink
    return canvas


def _start(mass: Tensor, size: int) -> int:
    """Where a line of ink must start for its center of mass to be in the middle, without leaving the canvas."""
    center = (mass * torch.arange(len(mass))).sum() / mass.sum()
    return int((size / 2 - 0.5 - center).round().clamp(0, size - len(mass)))
