"""Pictures and links on a terminal, for those that show them."""

from __future__ import annotations

import base64
import io
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from zoo.support.console import escape_control

if TYPE_CHECKING:
    from PIL.Image import Image

VARIABLE = "ZOO_PICTURES"
"""The environment variable that says how to show pictures, or ``none``, where the terminal is not known."""

LETTER = 9
"""Pixels in the width of a letter. Terminals with more of them show pictures smaller."""

COLORS = 128
"""Of a picture in sixels."""

CHUNK = 4096
"""Characters that kitty takes at a time."""


def picture_protocol() -> str | None:
    """Return how the terminal shows pictures, one of ``PROTOCOLS``; None if it does not, or is not known to."""
    if not sys.stdout.isatty():
        return None
    if asked := os.environ.get(VARIABLE):
        return asked if asked in PROTOCOLS else None
    program, kind = os.environ.get("TERM_PROGRAM"), os.environ.get("TERM", "")
    if kind.startswith(("tmux", "screen")):  # which swallow them
        return None
    if kind in ("xterm-kitty", "xterm-ghostty"):
        return "kitty"
    if program in ("iTerm.app", "WezTerm"):
        return "iterm"
    return "sixel" if kind.startswith(("foot", "mlterm", "contour")) else None


def show_picture(picture: Image, protocol: str) -> None:
    """Show an RGB picture, at most as wide as the terminal."""
    width = min(picture.width, LETTER * shutil.get_terminal_size().columns)
    picture = picture.resize((width, max(1, round(picture.height * width / picture.width))), reducing_gap=3)
    sys.stdout.write(PROTOCOLS[protocol](picture) + "\n")
    sys.stdout.flush()


def print_path(text: str, path: Path) -> None:
    """Print a text and a path, which is a link if the terminal has those."""
    name = escape_control(path)
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        name = f"\x1b]8;;{path.resolve().as_uri()}\x1b\\{name}\x1b]8;;\x1b\\"
    print(f"{text}{name}")


def _kitty(picture: Image) -> str:
    text = _png(picture)
    chunks = [text[start : start + CHUNK] for start in range(0, len(text), CHUNK)]
    begins = ["a=T,f=100,q=2,m=1", *["m=1"] * (len(chunks) - 2), "m=0"] if len(chunks) > 1 else ["a=T,f=100,q=2"]
    return "".join(f"\x1b_G{begin};{chunk}\x1b\\" for begin, chunk in zip(begins, chunks, strict=True))


def _iterm(picture: Image) -> str:
    return f"\x1b]1337;File=inline=1:{_png(picture)}\a"


def _png(picture: Image) -> str:
    file = io.BytesIO()
    picture.save(file, "PNG")
    return base64.b64encode(file.getvalue()).decode()


def _sixel(picture: Image) -> str:
    """Return bands of six rows; in each, one line of letters a color, whose six bits are the rows that have it."""
    import numpy as np

    reduced = picture.quantize(COLORS)
    palette = np.array(reduced.getpalette()).reshape(-1, 3) * 100 // 255
    colors = "".join(f"#{number};2;{red};{green};{blue}" for number, (red, green, blue) in enumerate(palette.tolist()))
    pixels, bands = np.asarray(reduced), []
    for start in range(0, len(pixels), 6):
        band = pixels[start : start + 6]
        bits = 1 << np.arange(len(band))[:, np.newaxis]
        lines = [(color, 63 + ((band == color) * bits).sum(0)) for color in np.unique(band).tolist()]
        bands.append("$".join(f"#{color}{_shortened(bytes(letters.tolist()).decode())}" for color, letters in lines))
    return f'\x1bPq"1;1;{picture.width};{picture.height}{colors}{"-".join(bands)}\x1b\\'


def _shortened(letters: str) -> str:
    return re.sub(r"(.)\1{3,}", lambda found: f"!{len(found[0])}{found[1]}", letters)


PROTOCOLS: dict[str, Callable[[Image], str]] = {"kitty": _kitty, "iterm": _iterm, "sixel": _sixel}
"""What a terminal is sent to show a picture."""
