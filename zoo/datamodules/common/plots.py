"""Examples of a data set as a figure: pictures with captions, or lines of text."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from torch import Tensor

from zoo.support.figure import Figure
from zoo.support.tables import format_number, shorten
from zoo.transforms import Row, Transform

if TYPE_CHECKING:
    from zoo.datamodules.common.base import DataModule

GRID = (4, 8)
LINES = 12
"""Texts and rows of numbers in a figure."""

Caption = Sequence[tuple[str, str]]
"""What is written at an example: lines of text, each with its color."""


def draw_examples(data: DataModule, x: Tensor, captions: Sequence[Caption], title: str) -> Figure:
    """Show the first of some examples, with up to two lines of text each.

    Args:
        data: Their data.
        x: Inputs as a network gets them, shape ``(examples, ...)``.
        captions: The caption of each.
        title: The title.
    """
    return _pictures(x, captions, title) if data.kind == "image" else _lines(data, x, captions, title)


def count_shown(data: DataModule) -> int:
    """Return how many examples a figure shows."""
    return GRID[0] * GRID[1] if data.kind == "image" else LINES


def target_as_text(data: DataModule, target: Tensor) -> str:
    """Return the target of one example in words: the class, the labels that apply, the shares of classes, or values."""
    values = target.flatten().tolist()
    if data.target == "value":
        return ", ".join(map(format_number, values))
    if not target.dim() and not target.is_floating_point():
        return data.classes[values[0]] if values[0] < len(data.classes) else str(values[0])
    names = data.classes or [str(index) for index in range(len(values))]
    if data.target == "class":  # mixed
        return ", ".join(f"{name} {share:.0%}" for name, share in zip(names, values, strict=True) if share > 0)
    return ", ".join(name for name, applies in zip(names, values, strict=True) if applies > 0.5) or "none"


def _pictures(images: Tensor, captions: Sequence[Caption], title: str) -> Figure:
    rows, columns = GRID
    images = images[: rows * columns].float()
    rows = -(-len(images) // columns)
    low, high = float(images.min()), float(images.max())
    images = ((images - low) / max(high - low, 1e-9)).permute(0, 2, 3, 1)
    if images.shape[3] != 3:
        images = images[..., :1]
    height = 1.22  # of a picture with its two lines of text, in widths of a column
    figure = Figure(figsize=(1.25 * columns, 1.25 * height * rows + 0.4))
    # One panel for all: the layout of 32 panels takes longer than the training of a small network.
    axes = figure.add_axes((0, 0, 1, 1 - 0.4 / figure.get_figheight()))
    axes.axis("off")
    figure.suptitle(title, y=1 - 0.12 / figure.get_figheight(), va="top")
    for place, (image, caption) in enumerate(zip(images, captions, strict=False)):
        left, bottom = place % columns + 0.05, -height * (place // columns + 1) + 0.05
        axes.imshow(image.numpy(), cmap="gray_r", vmin=0, vmax=1, extent=(left, left + 0.9, bottom, bottom + 0.9))
        for (text, color), up in zip(reversed(caption), (0.92, 1.03), strict=False):
            written: Any = {"ha": "center", "va": "bottom", "color": color, "fontsize": 8, "parse_math": False}
            axes.text(left + 0.45, bottom + up, shorten(text, 18), **written)
    axes.set(xlim=(0, columns), ylim=(-height * rows, 0), aspect="auto")  # each picture has moved them
    return figure


def _lines(data: DataModule, x: Tensor, captions: Sequence[Caption], title: str) -> Figure:
    x, line = x[:LINES], 0.45  # inches
    figure = Figure(figsize=(10, line * (len(x) + 1)))
    figure.suptitle(title, y=1 - 0.12 / figure.get_figheight(), va="top")
    for place, (one, caption) in enumerate(zip(x, captions, strict=False), start=1):
        y = 1 - line * place / figure.get_figheight()
        written: Any = {"va": "top", "fontsize": 8, "parse_math": False}
        answer = " ".join(text for text, _ in caption)
        figure.text(0.02, y, shorten(answer, 40), color=caption[-1][1], **written)
        lines = textwrap.wrap(_as_text(data, one), 110, max_lines=2, placeholder=" …")
        figure.text(0.25, y, "\n".join(lines), **written)
    return figure


def _as_text(data: DataModule, x: Tensor) -> str:
    """Return an input as text: the words of a text, or the values of a row."""
    transform = data.transform
    return (transform if isinstance(transform, Transform) else Row(x.numel())).as_text(x)
