"""Extracts what is drawn in a picture, and places it where a network expects it."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from zoo.errors import ZooError

FAINT = 0.2
"""Ink below this fraction of the darkest ink is background noise of a scan or photo."""

PHOTO = 160
"""Photos are scaled down to this many pixels on the shorter side."""


def to_bytes(picture: Image.Image) -> Tensor:
    """Return the pixels of a gray or RGB picture, shape ``(channels, rows, columns)``."""
    pixels = torch.from_numpy(np.array(picture))
    return pixels.unsqueeze(0) if pixels.dim() == 2 else pixels.permute(2, 0, 1)


def resize(pixels: Tensor, rows: int, columns: int) -> Tensor:
    """Resize pixels, shape ``(channels, ...)``, bilinearly with antialiasing, as torchvision does."""
    if columns == 1:  # on a CPU, torch gives all rows the value of the first
        pixels = F.interpolate(pixels.mT.unsqueeze(0), (columns, rows), mode="bilinear", antialias=True)
        return pixels[0].mT
    return F.interpolate(pixels.unsqueeze(0), (rows, columns), mode="bilinear", antialias=True)[0]


def pixels_if_ready(picture: Image.Image, size: int) -> Tensor | None:
    """Return the gray pixels, shape ``(1, size, size)``, of a picture of this size on a dark background, else None."""
    if picture.size != (size, size):
        return None
    pixels = _gray(picture)
    return pixels if _border(pixels).median() < 0.5 else None


def _gray(picture: Image.Image) -> Tensor:
    return to_bytes(picture.convert("L")).float().div_(255)


def _border(pixels: Tensor) -> Tensor:
    return torch.cat([pixels[0, 0], pixels[0, -1], pixels[0, :, 0], pixels[0, :, -1]])


def extract_foreground(picture: Image.Image, side: int, photographed: bool = False) -> Tensor:
    """Return the foreground of a picture, light on dark, cropped to its bounding box, shape ``(1, rows, columns)``.

    Args:
        picture: The picture.
        side: Length of the longer side of the result, in pixels.
        photographed: Whether the background may be unevenly lit or ruled. The foreground must then be thin strokes.

    Raises:
        ZooError: The picture has only one color.
    """
    ink = _gray(picture)
    ground = _border(ink).median()
    even = (_border(ink) - ground).abs().max() <= FAINT * (ink - ground).abs().max()  # then one threshold suffices
    if photographed and not even:
        from zoo.transforms.photographed import extract_strokes  # which imports scipy

        shorter = min(ink.shape[1:])
        height, width = (int(PHOTO * length / shorter) for length in ink.shape[1:])
        small = resize(ink, height, width) if shorter > PHOTO else ink
        ink = torch.from_numpy(extract_strokes(small[0].numpy())).float().unsqueeze(0)
    else:
        ink = (ground - ink if ground - ink.min() > ink.max() - ground else ink - ground).clamp(min=0)
    if ink.max() < FAINT:
        raise ZooError("the picture is empty: it has only one color")
    ink = ink / ink.max()
    rows, columns = (ink[0] > FAINT).nonzero().T
    ink = ink[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(length * side / max(ink.shape[1:]))) for length in ink.shape[1:])
    return resize(ink, height, width)


def paste(ink: Tensor, size: int, top: int, left: int) -> Tensor:
    """Return a black picture, shape ``(1, size, size)``, with the ink pasted at these coordinates."""
    canvas = torch.zeros(1, size, size)
    canvas[:, top : top + ink.shape[1], left : left + ink.shape[2]] = ink
    return canvas


def centering_offset(mass: Tensor, size: int) -> int:
    """Return the offset that centers the center of mass of a row or column, within the canvas."""
    center = float((mass * torch.arange(len(mass))).sum() / mass.sum())
    offset = round(round(size / 2 - 0.5 - center, 3))  # symmetric ink is a tie, which noise must not decide
    return min(max(offset, 0), size - len(mass))
