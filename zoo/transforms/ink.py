"""What is drawn in a picture, cut out of its ground and placed where a network expects it."""

from __future__ import annotations

import torch
from PIL import Image
from torch import Tensor
from torchvision.transforms.v2 import functional as F

from zoo.errors import ZooError

FAINT = 0.2
"""Ink below this share of the darkest is paper: the noise of a scan or photo."""

PHOTO = 160
"""Pixels each way of a photo that show what is drawn in it."""


def pixels_if_ready(picture: Image.Image, size: int) -> Tensor | None:
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


def extract_foreground(picture: Image.Image, side: int, photographed: bool = False) -> Tensor:
    """Return what is not ground in a picture, light on dark, shape ``(1, rows, columns)``, cut to it.

    Args:
        picture: The picture.
        side: Pixels of the longer side.
        photographed: Whether the ground may be unevenly lit, or ruled; what is drawn is then made of thin strokes.

    Raises:
        ZooError: There is nothing to be seen.
    """
    ink = _gray(picture)
    ground = _border(ink).median()
    even = (_border(ink) - ground).abs().max() <= FAINT * (ink - ground).abs().max()  # then one threshold serves
    if photographed and not even:
        from zoo.transforms.photographed import extract_strokes  # which imports scipy

        small = F.resize(ink, [PHOTO], antialias=True) if min(ink.shape[1:]) > PHOTO else ink
        ink = torch.from_numpy(extract_strokes(small[0].numpy())).float().unsqueeze(0)
    else:
        ink = (ground - ink if ground - ink.min() > ink.max() - ground else ink - ground).clamp(min=0)
    if ink.max() < FAINT:
        raise ZooError("the picture shows nothing: it is of one color")
    ink = ink / ink.max()
    rows, columns = (ink[0] > FAINT).nonzero().T
    ink = ink[:, rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    height, width = (max(1, round(length * side / max(ink.shape[1:]))) for length in ink.shape[1:])
    return F.resize(ink, [height, width], antialias=True)


def paste(ink: Tensor, size: int, top: int, left: int) -> Tensor:
    """Return a dark picture with the ink in it, shape ``(1, size, size)``, its corner at these coordinates."""
    canvas = torch.zeros(1, size, size)
    canvas[:, top : top + ink.shape[1], left : left + ink.shape[2]] = ink
    return canvas


def centering_offset(mass: Tensor, size: int) -> int:
    """Where a line of ink must start for its center of mass to be in the middle, without leaving the canvas."""
    center = (mass * torch.arange(len(mass))).sum() / mass.sum()
    return int((size / 2 - 0.5 - center).round().clamp(0, size - len(mass)))
