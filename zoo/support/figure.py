"""Figures of matplotlib without pyplot: no global state, window or backend."""

from __future__ import annotations

import io
import warnings
from typing import Any

import matplotlib.figure


class Figure(matplotlib.figure.Figure):
    """A figure that notebooks show, as they do those of pyplot."""

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure to a file, as matplotlib does. Letters that the font has not are shown as boxes."""
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph")
            super().savefig(fname, **options)

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        self.savefig(file, format="png")
        return file.getvalue()
