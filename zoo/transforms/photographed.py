"""Extracts what is drawn on paper from a photo with shading, shadows and ruled lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from zoo.transforms.ink import FAINT

Pixels = np.ndarray[Any, np.dtype[Any]]

SURE = 0.4
"""Ink above this fraction of the darkest ink is neither noise nor a printed line."""

LONG = 0.35
"""Straight strokes longer than this fraction of the picture may be lines of the paper, not of a digit."""

SPECK = 0.05
"""Parts smaller than this fraction of the largest part are dirt."""

TOUCHING = np.ones((3, 3), dtype=bool)


def extract_strokes(gray: Pixels) -> Pixels:
    """Return the strokes, light on dark, in 0 to 1, shape ``(rows, columns)``; zeros if there are none.

    The background is the median of a pixel's surroundings. From what stands out against it, three things are removed:
    lines across the whole picture, parts that touch its border, such as edges of shadows, and specks.

    Args:
        gray: The picture, in 0 to 1, shape ``(rows, columns)``.
    """
    ink = _ink(gray)
    if ink.max() < FAINT:
        return np.zeros_like(ink)
    ink /= ink.max()
    lines = _lines(ink > FAINT)
    sure = (ink > SURE) & ~lines
    across = ndimage.binary_closing(sure, np.ones((5, 1))) | ndimage.binary_closing(sure, np.ones((1, 5)))
    sure |= across & lines & (ink > SURE)  # a stroke continues across a line
    part, count = ndimage.label(sure, TOUCHING)
    if not count:
        return ink
    sizes = ndimage.sum_labels(sure, part, np.arange(count + 1))
    on_border = np.unique(np.concatenate([part[0], part[-1], part[:, 0], part[:, -1]]))
    inside = sizes.copy()
    inside[on_border] = 0
    kept = inside if inside.max() >= SPECK * sizes.max() else sizes
    chosen = (kept >= max(SPECK * kept.max(), 2))[part] & sure
    fringe = max(1, round(ndimage.distance_transform_edt(chosen).max()))  # strokes fade toward their sides
    near = ndimage.binary_dilation(chosen, TOUCHING, iterations=fringe)
    return np.where(near & (~lines | chosen), ink, 0)


def _ink(gray: Pixels) -> Pixels:
    """Return how much darker (as a fraction) or lighter each pixel is than its background."""
    step = max(1, min(round(max(gray.shape) / 40), *gray.shape))
    rows, columns = (length - length % step for length in gray.shape)
    small = gray[:rows, :columns].reshape(rows // step, step, columns // step, step).mean((1, 3))
    ground = ndimage.median_filter(small, size=[length // 2 | 1 for length in small.shape], mode="nearest")
    ground = ndimage.zoom(
        ground, [a / b for a, b in zip(gray.shape, ground.shape, strict=True)], order=1, mode="nearest"
    )
    darker, lighter = 1 - gray / np.maximum(ground, 1e-3), gray - ground
    ink = darker if np.quantile(darker, 0.99) > np.quantile(lighter, 0.99) else lighter
    return ink.clip(0, None)


def _lines(seen: Pixels) -> Pixels:
    """Return a mask of the straight or slightly slanted lines that run from border to border."""
    lines = np.zeros_like(seen)
    for thicker in (1, 3):
        for left, found in ((seen & ~lines, lines), ((seen & ~lines).T, lines.T)):
            length = max(1, round(LONG * left.shape[1]))
            longer = np.pad(left, ((0, 0), (length, length)), mode="edge")  # as if lines went on beyond the border
            longer = ndimage.binary_dilation(longer, np.ones((thicker, 1)))  # joins the steps of a slanted line
            straight = ndimage.binary_opening(longer, np.ones((1, length)))[:, length:-length] & left
            part, _ = ndimage.label(straight, TOUCHING)
            through = np.intersect1d(part[:, :2], part[:, -2:])
            found |= np.isin(part, through[through > 0])
    return lines
