"""Reads pictures, and converts all kinds of them to RGB."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from zoo.errors import ZooError
from zoo.support.files import open_file

NOT_PICTURES = frozenset({"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"})
"""Formats that Pillow recognizes, but does not read, or has another program draw: films, drawings and measurements."""


def picture_formats() -> list[str]:
    """Return the names of the formats that Pillow reads."""
    Image.init()
    return [name for name in Image.OPEN if name not in NOT_PICTURES]


def to_rgb(value: Any) -> Image.Image:
    """Return a picture upright, on white where it is transparent, in RGB.

    Args:
        value: A PIL image, or an array of bytes, shape ``(rows, columns)`` or ``(rows, columns, channels)``.

    Raises:
        ZooError: It is not a picture, or is damaged.
    """
    if is_picture_array(value):
        value = Image.fromarray(np.ascontiguousarray(value.squeeze(2) if value.shape[2:] == (1,) else value))
    if not isinstance(value, Image.Image):
        raise ZooError(f"expected a PIL image, as Image.open returns it, or an array of bytes, got {_described(value)}")
    try:
        upright = ImageOps.exif_transpose(value)
        if upright.mode.startswith("I"):  # 16-bit gray, which PIL would clip rather than scale
            upright = upright.convert("I").point(lambda value: value / 256).convert("L")
        if upright.mode in ("L", "RGB") and "transparency" not in upright.info:
            return upright.convert("RGB")
        upright = upright.convert("RGBA")
    except (OSError, ValueError, SyntaxError):  # PIL raises SyntaxError for a broken PNG
        raise ZooError("the picture cannot be read, or is damaged") from None
    white = Image.new("RGBA", upright.size, "white")
    return Image.alpha_composite(white, upright).convert("RGB")


def is_picture_array(value: Any) -> bool:
    """Return whether a value is an array of bytes with the shape of one picture: gray, or with 1 to 4 channels last."""
    if not isinstance(value, np.ndarray) or value.dtype != np.uint8 or 0 in value.shape:
        return False
    return value.ndim == 2 or (value.ndim == 3 and value.shape[2] <= 4)


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return type(value).__name__


def read_picture(path: Path) -> Image.Image:
    """Read a picture from a file, as :func:`to_rgb` returns it.

    Raises:
        ZooError: The file does not exist, or is not a picture.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with open_file(path) as file, Image.open(file, formats=picture_formats()) as image:
                return to_rgb(image)
    except FileNotFoundError:
        raise ZooError(f"{path} does not exist") from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ZooError(f"{path} has more than {Image.MAX_IMAGE_PIXELS:,} pixels; resize it") from None
    except (OSError, ValueError, SyntaxError, ZooError) as error:
        reason = getattr(error, "strerror", None) or "it is not one, or is damaged"  # PIL's message repeats the path
        raise ZooError(f"{str(path)[:300]} cannot be read as a picture: {reason}") from None
