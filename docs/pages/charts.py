"""Charts as SVG in the colors of the page, light or dark."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, LEFT, RIGHT, BOTTOM, TOP = 360, 210, 50, 18, 36, 24
ORDERS = 1e3
"""From this ratio of the largest to the smallest value on, an axis is logarithmic."""


@dataclass(frozen=True)
class Axis:
    """An axis of a chart: which values it shows, and where.

    Attributes:
        low: The smallest value.
        high: The largest value.
        begin: Place of the smallest.
        end: Place of the largest.
        log: Whether it is logarithmic.
    """

    low: float
    high: float
    begin: float
    end: float
    log: bool = False

    @classmethod
    def over(cls, values: Sequence[float], begin: float, end: float, log: bool | None = None) -> Axis:
        """Return an axis with a margin around some values."""
        low, high = min(values), max(values)
        if log is None:
            log = low > 0 and high / low > ORDERS
        if log:
            margin = (high / low) ** 0.05
            return cls(low / margin, high * margin, begin, end, True)
        margin = 0.05 * (high - low) or 0.5
        return cls(low - margin, high + margin, begin, end)

    def __call__(self, value: float) -> float:
        """Return the place of a value."""
        scale: Callable[[float], float] = math.log if self.log else float
        share = (scale(value) - scale(self.low)) / (scale(self.high) - scale(self.low))
        return self.begin + share * (self.end - self.begin)

    def ticks(self) -> list[float]:
        """Return round values along the axis."""
        if self.log:
            powers = range(math.floor(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            factors = (1, 2, 5) if len(powers) < 4 else (1,)
            round_ = [factor * 10.0**power for power in powers for factor in factors]
            return [value for value in round_ if self.low <= value <= self.high][:: max(1, len(powers) // 4)]
        rough = (self.high - self.low) / 5
        power = 10.0 ** math.floor(math.log10(rough))
        step = power * next(factor for factor in (1, 2, 5, 10) if factor * power >= rough)
        return [step * number for number in range(math.ceil(self.low / step), math.floor(self.high / step) + 1)]


def number(value: float) -> str:
    """Write a value of an axis, short."""
    if value and not 1e-3 <= abs(value) < 1e4:
        digits, _, power = f"{value:.0e}".partition("e")
        return f"{digits}e{int(power)}" if abs(value) < 1 else short(value)
    return f"{value:.4g}"


def short(value: float) -> str:
    """Write a count with three digits: 7.85 K, 1.2 M."""
    for factor, unit in ((1e9, "G"), (1e6, "M"), (1e3, "K")):
        if value >= factor:
            return f"{value / factor:.3g} {unit}"
    return f"{value:.3g}"


def svg(width: float, height: float, label: str, inside: str, kind: str = "") -> str:
    """Return a picture that a screen reader tells by its label."""
    return (
        f'<svg class="zoo-chart {kind}" viewBox="0 0 {width:g} {height:g}" style="max-width:{width:g}px" role="img" '
        f'aria-label="{html.escape(label)}">{inside}</svg>'
    )


def text(x: float, y: float, words: str, kind: str = "") -> str:
    """Return a text of a picture."""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{html.escape(words)}</text>'


def frame(x: Axis, y: Axis, x_name: str, y_name: str) -> str:
    """Return the grid of a chart with the names of its axes."""
    rows = "".join(
        f'<line class="grid" x1="{x.begin}" x2="{x.end}" y1="{y(t):.1f}" y2="{y(t):.1f}"/>'
        + text(x.begin - 6, y(t) + 3.5, number(t), "end")
        for t in y.ticks()
    )
    columns = "".join(text(x(t), y.begin + 14, number(t), "middle") for t in x.ticks())
    return rows + columns + text(x.begin, 14, y_name, "name") + text(x.end, y.begin + 30, x_name, "end")


def curves(rows: Sequence[Mapping[str, str]], tested: bool) -> str:
    """Return the loss and the metric of a run by epoch, a chart each.

    Args:
        rows: Of a metrics.csv.
        tested: Whether the run validated on the test set.
    """
    names = [name.removeprefix("val/") for name in rows[0] if name.startswith("val/")]
    seen = "test" if tested else "val"
    steps = int(rows[-1]["step"]) + 1
    epochs = int(rows[-1]["epoch"]) + 1
    return '<div class="zoo-charts">' + "".join(_curve(name, rows, seen, epochs / steps) for name in names) + "</div>"


def _curve(name: str, rows: Sequence[Mapping[str, str]], seen: str, epochs_a_step: float) -> str:
    lines = {
        split: [
            ((int(row["step"]) + 1) * epochs_a_step, float(row[f"{split}/{name}"]))
            for row in rows
            if row.get(f"{split}/{name}")
        ]
        for split in ("train", "val")
    }
    points = [point for line in lines.values() for point in line]
    x = Axis(min(p[0] for p in points), max(p[0] for p in points), LEFT, WIDTH - RIGHT)
    y = Axis.over([p[1] for p in points], HEIGHT - BOTTOM, TOP)
    drawn = "".join(
        f'<polyline class="{split}" points="{" ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in line)}"/>'
        for split, line in lines.items()
    )
    legend = "".join(
        f'<line class="{split}" x1="{left}" x2="{left + 16}" y1="10" y2="10"/>' + text(left + 20, 14, words)
        for split, words, left in (("train", "train", WIDTH - 125), ("val", seen, WIDTH - 62))
    )
    last = ", ".join(f"{line[-1][1]:.4g} on {split}" for split, line in lines.items() if line)
    return svg(WIDTH, HEIGHT, f"{name} by epoch; at the end {last}", frame(x, y, "epoch", name) + legend + drawn)


SIDES = ((0, -8), (8, 4), (-8, 4), (0, 17), (8, -9), (-8, -9), (8, 16), (-8, 16))
"""Where the name of a point can be, as seen from it: above it, right of it, and so on."""


def scatter(
    points: Sequence[tuple[float, float, str]],
    x_name: str,
    y_name: str,
    log: bool | None = None,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    links: str = "",
) -> str:
    """Return points with names, which are links if a pattern for them is given, such as ``networks/{}.html``."""
    width, height = size
    x = Axis.over([p[0] for p in points], LEFT, width - RIGHT, log)
    y = Axis.over([p[1] for p in points], height - BOTTOM, TOP)
    inside = frame(x, y, x_name, y_name)
    taken = [(x(a) - 4, y(b) - 4, x(a) + 4, y(b) + 4) for a, b, _ in points]
    for a, b, name in sorted(points, key=lambda point: (-point[1], point[0])):
        dot = f'<circle cx="{x(a):.1f}" cy="{y(b):.1f}" r="{4 if name else 2.5}"/>'
        if name:
            dx, dy, box = _free(x(a), y(b), 6.3 * len(name), width, taken)
            taken.append(box)
            dot += text(x(a) + dx, y(b) + dy, name, "middle" if not dx else "" if dx > 0 else "end")
            if links:
                dot = f'<a href="{links.format(name)}">{dot}</a>'
        inside += dot
    return svg(width, height, f"{y_name} against {x_name}", inside, "scatter")


Box = tuple[float, float, float, float]


def _free(x: float, y: float, long: float, width: float, taken: Sequence[Box]) -> tuple[int, int, Box]:
    """Return a side of a point where its name hits nothing, and the box that the name fills there."""
    for dx, dy in SIDES:
        left = x + dx - (long / 2 if not dx else 0 if dx > 0 else long)
        box = (left, y + dy - 9, left + long, y + dy + 2)
        hits = any(box[0] < b[2] and b[0] < box[2] and box[1] < b[3] and b[1] < box[3] for b in taken)
        if not hits and left >= 0 and left + long <= width:
            break
    return dx, dy, box
