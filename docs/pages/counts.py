"""Counts as SVG: a confusion matrix, and the sizes of classes."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

from pages.charts import svg, text


def confusion(counts: Sequence[Sequence[int]], classes: Sequence[str]) -> str:
    """Return a confusion matrix: true classes down, predicted ones across, each row shaded by its shares."""
    longest = max(map(len, classes))
    cell, left, top = (34, 16 + 7 * longest, 30) if longest > 2 else (30, 44, 30)
    cell = max(cell, 90 if len(classes) == 2 else 0)
    inside = text(left, 12, "predicted", "name") + text(left - 8, top + 10 - 14, "true", "end name")
    for column, name in enumerate(classes):
        inside += text(
            left + (column + 0.5) * cell, top - 4, name if len(name) * 6 < cell else name[:4] + "…", "middle"
        )
    for row, (name, values) in enumerate(zip(classes, counts, strict=True)):
        inside += text(left - 8, top + (row + 0.5) * cell + 4, name, "end")
        for column, value in enumerate(values):
            share = value / max(1, sum(values))
            kind = "right" if row == column else "wrong"
            strength = share if row == column else min(1.0, share * 6)
            at = f'x="{left + column * cell}" y="{top + row * cell}" width="{cell - 1}" height="{cell - 1}"'
            said = html.escape(f"{classes[row]} taken for {classes[column]}: {value}")
            inside += (
                f'<g><title>{said}</title><rect class="empty" {at}/><rect class="{kind}" {at} '
                f'style="opacity:{strength:.3f}"/>'
            )
            if value:
                light = " over" if strength > 0.6 else ""
                inside += text(left + (column + 0.5) * cell, top + (row + 0.5) * cell + 4, str(value), "middle" + light)
            inside += "</g>"
    size = len(classes) * cell
    right = sum(values[place] for place, values in enumerate(counts))
    total = sum(map(sum, counts))
    return svg(left + size + 4, top + size + 4, f"confusion matrix: {right:,} of {total:,} right", inside, "small")


def bars(counts: Mapping[str, int]) -> str:
    """Return a bar for each class, with its count."""
    left, row, width = 16 + 7 * max(map(len, counts)), 20, 420
    most = max(counts.values())
    inside = ""
    for place, (name, count) in enumerate(counts.items()):
        long = (width - left - 60) * count / most
        inside += text(left - 8, place * row + 14, name, "end")
        inside += f'<rect class="right" x="{left}" y="{place * row + 3}" width="{long:.1f}" height="{row - 6}" rx="2"/>'
        inside += text(left + long + 6, place * row + 14, f"{count:,}")
    said = ", ".join(f"{name} {count:,}" for name, count in counts.items())
    return svg(width, row * len(counts) + 4, f"examples by class: {said}", inside)
