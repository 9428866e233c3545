"""A network drawn as what passes through it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from pages.charts import svg, text
from pages.layers import Layer

GAP = 30


def diagram(layers: Sequence[Layer], took: tuple[int, ...]) -> str:
    """Draw the values between the layers of a network as blocks.

    Args:
        layers: Its layers, in order.
        took: Shape of its input, without the batch.
    """
    blocks: list[tuple[str, str, tuple[int, ...]]] = [("input", "", took)]
    for layer in layers:
        if layer.took != blocks[-1][2]:
            blocks.append(("", "", layer.took))
        blocks.append((layer.name, layer.kind, layer.gave))
    drawings = [_block(shape) for _, _, shape in blocks]
    middle = max(height for _, _, height in drawings) / 2 + 6
    whole, x, inside = 2 * middle + 46, 8.0, ""
    for place, ((name, kind, shape), (drawn, width, _)) in enumerate(zip(blocks, drawings, strict=True)):
        words = max(len(name), len(kind), len(_written(shape)))
        wide = max(width, 6.2 * words)
        if place:
            inside += f'<path class="arrow" d="M{x + 4:.1f},{middle:.1f} h{GAP - 12} m-5,-4 l5,4 l-5,4"/>'
            x += GAP
        inside += f'<g transform="translate({x + (wide - width) / 2:.1f},{middle:.1f})">{drawn}</g>'
        for line, (words_, how) in enumerate(((_written(shape), "shape"), (name, "name"), (kind, ""))):
            inside += text(x + wide / 2, whole - 36 + 15 * line, words_, f"middle {how}")
        x += wide
    said = ", then ".join(f"{name or 'reshaped'} {_written(shape)}" for name, _, shape in blocks)
    picture = svg(x + 8, whole, f"the network: {said}", inside, "diagram")
    return f'<div class="zoo-scroll">{picture.replace("max-width", "width")}</div>'


def _written(shape: tuple[int, ...]) -> str:
    return "×".join(map(str, shape))


def _block(shape: tuple[int, ...]) -> tuple[str, float, float]:
    """Return the drawing of values of a shape, centered on the line, its width and its height."""
    if len(shape) == 3:  # maps, one behind the other
        side, sheets = 14 + 52 * min(1.0, shape[-1] / 32), min(6, 1 + int(math.log2(shape[0])))
        shift = 4.0
        whole = side + shift * (sheets - 1)
        drawn = "".join(
            f'<rect class="block" x="{shift * n:.1f}" y="{whole / 2 - side - shift * n:.1f}" width="{side:.1f}" '
            f'height="{side:.1f}" rx="1.5"/>'
            for n in reversed(range(sheets))
        )
        return drawn, whole, whole
    if len(shape) == 2:  # a sequence: a column for each step
        steps, tall = min(shape[0], 12), 14 + 9 * math.log2(max(2, shape[1]))
        drawn = "".join(
            f'<rect class="block" x="{6 * n}" y="{-tall / 2:.1f}" width="5" height="{tall:.1f}" rx="1"/>'
            for n in range(steps)
        )
        return drawn, 6.0 * steps, tall
    tall = 14 + 9 * math.log2(max(1, *shape)) if shape else 14
    return f'<rect class="block" x="0" y="{-tall / 2:.1f}" width="12" height="{tall:.1f}" rx="2"/>', 12.0, tall
