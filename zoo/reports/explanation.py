"""What the answer of a network hangs on, as text and as a figure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from zoo.reports.figures import COLORS, WRONG, plain
from zoo.support.figure import Figure
from zoo.support.tables import format_number, format_table, shorten
from zoo.tasks import Classifier, Task
from zoo.tasks.attribution import Attribution, attribute
from zoo.transforms import Photo, Table

SHOWN = 12
"""Parts of a row or a text in the table on the screen."""

MOST_WORDS = 600
"""Words of a text in the figure."""

WIDTH, MARGIN, LINE, LETTER = 10.0, 0.15, 0.24, 0.6 * 8 / 72
"""Of that figure, in inches: of its side, its margin, a line, and a letter of eight points."""

EMPTY = {"image": "a black picture", "table": "a row of zeros", "text": "no words"}
"""What an input is compared with."""


@dataclass(frozen=True)
class Explanation:
    """An answer, and how much each part of the input adds to it.

    Attributes:
        kind: Kind of the input.
        answer: The answer, in words.
        x: The input.
        attribution: How much each of its numbers, or words, adds to the score of the answer.
        names: Names of the columns, or the words; empty for a picture.
    """

    kind: str
    answer: str
    x: Tensor
    attribution: Attribution
    names: list[str]

    @classmethod
    def of(cls, model: Task, x: Tensor) -> Self:
        """Explain the answer of a network.

        Args:
            model: The network, with its transform.
            x: One input, as the transform makes it.

        Raises:
            ZooError: The network cannot be explained.
        """
        values = model.predict(x.unsqueeze(0)).values[0]
        output = int(values.argmax())
        answer = f"predicted {format_number(float(values[output]))}"
        if isinstance(model, Classifier):
            name = model.classes[output] if model.classes else str(output)
            answer = f"{name} {float(values[output]):.1%}"
        transform = model.transform
        low = transform.low if isinstance(transform, Photo) else 0.0
        attribution, names = attribute(model, x, output, start=low), []
        kind = transform.takes if transform else model.takes
        if kind == "text" and transform:
            names = transform.as_text(x).split(" ")
        elif isinstance(transform, Table):
            names = [column.name for column in transform.parts.columns]
            widths = [column.width for column in transform.parts.columns]
            widths += [len(x) - sum(widths)] if len(x) > sum(widths) else []
            names += ["(always 1)"] * (len(widths) - len(names))
            sums = [
                torch.stack([part.sum() for part in values.split(widths)])
                for values in (attribution.gradient, attribution.integrated)
            ]
            attribution = Attribution(attribution.score, attribution.baseline, *sums)
        elif kind == "table":
            names = [f"number {place}" for place in range(1, len(x) + 1)]
        return cls(kind, answer, x, attribution, names)

    def __str__(self) -> str:
        """Return the answer, its score, and the parts that add most to it."""
        found = self.attribution
        added = f"{found.score - found.baseline:+.4f}"
        lines = f"{self.answer}: score {found.score:.4f} = {found.baseline:.4f} of {EMPTY[self.kind]} {added}"
        if not found.is_complete:
            total = float(found.integrated.sum())
            lines += f"\nThe parts add up to {total:+.4f} alone, since the score jumps on the way between the two."
        if not self.names:
            return lines
        order = found.integrated.abs().argsort(descending=True, stable=True)[:SHOWN].tolist()
        rows = [
            [shorten(self.names[i], 40), f"{float(found.integrated[i]):+.4f}", f"{float(found.gradient[i]):+.4f}"]
            for i in order
        ]
        header = ["word" if self.kind == "text" else "column", "integrated gradients", "gradient × input"]
        return f"{lines}\n\n{format_table(header, rows, align='>')}"

    def figure(self) -> Figure:
        """Draw the input with what its parts add: red for the answer, blue against it."""
        if self.kind == "image":
            return self._picture()
        return self._text() if self.kind == "text" else self._row()

    def _picture(self) -> Figure:
        figure = Figure(figsize=(9, 3.4), layout="constrained")
        figure.suptitle(plain(self.answer))
        low, high = float(self.x.min()), float(self.x.max())
        shown = ((self.x - low) / max(high - low, 1e-9)).permute(1, 2, 0).numpy()
        first, *others = figure.subplots(1, 3)
        first.imshow(shown, cmap="gray_r", vmin=0, vmax=1)
        first.set_title("input", fontsize=10)
        maps = {"integrated gradients": self.attribution.integrated, "gradient × input": self.attribution.gradient}
        for axes, (title, values) in zip(others, maps.items(), strict=True):
            total = values.sum(0)
            most = max(float(total.abs().max()), 1e-12)
            image = axes.imshow(total.numpy(), cmap="RdBu_r", vmin=-most, vmax=most)
            axes.set_title(title, fontsize=10)
            figure.colorbar(image, ax=axes, shrink=0.7)
        for axes in (first, *others):
            axes.axis("off")
        return figure

    def _row(self) -> Figure:
        order = self.attribution.integrated.abs().argsort(descending=True, stable=True)[:30].flip(0).tolist()
        figure = Figure(figsize=(7, 1.2 + 0.3 * len(order)), layout="constrained")
        axes = figure.add_subplot()
        values = self.attribution.integrated[order]
        colors = [WRONG if value > 0 else COLORS["train"] for value in values.tolist()]
        axes.barh(range(len(order)), values.numpy(), color=colors)
        axes.set_yticks(range(len(order)), [plain(shorten(self.names[place], 30)) for place in order])
        axes.axvline(0, color="gray", linewidth=1)
        axes.set(xlabel="added to the score (integrated gradients)", title=plain(self.answer))
        return figure

    def _text(self) -> Figure:
        from matplotlib import colormaps

        places, x, line = [], MARGIN, 0
        for word in (words := [shorten(word, 40) for word in self.names[:MOST_WORDS]]):
            if x + len(word) * LETTER > WIDTH - MARGIN:
                x, line = MARGIN, line + 1
            places.append((x, line))
            x += (len(word) + 1.4) * LETTER
        figure = Figure(figsize=(WIDTH, 0.9 + LINE * line))
        height = figure.get_figheight()
        figure.suptitle(plain(self.answer), y=1 - 0.1 / height, va="top")
        most = max(float(self.attribution.integrated.abs().max()), 1e-12)
        for word, value, (x, line) in zip(words, self.attribution.integrated.tolist(), places, strict=False):
            box = {"facecolor": colormaps["RdBu_r"](0.5 + 0.4 * value / most), "edgecolor": "none", "pad": 1.5}
            y = 1 - (0.65 + LINE * line) / height
            figure.text(x / WIDTH, y, plain(word), fontsize=8, family="monospace", va="center", bbox=box)
        return figure
