"""Printing text that cannot steer a terminal."""

from __future__ import annotations

import unicodedata
from typing import TextIO

REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What changes the direction of the text after it."""


def escape_control(text: object, keep: str = "") -> str:
    """Return a text with control characters as their escapes: what strangers wrote is not to steer a terminal.

    Args:
        text: The text; names of classes and files, and whatever else is read from files.
        keep: Control characters to leave in.
    """
    text = str(text)
    if is_printable(text):
        return text
    return "".join(c if c in keep or is_printable(c) else c.encode("unicode_escape").decode("ascii") for c in text)


def is_printable(text: str) -> bool:
    """Whether a text has no control characters, no separators of lines but spaces, and none that reorder others."""
    return text.isprintable() or not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in REORDERING for c in text)


def echo(*values: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Print, as the zoo does all the time: control characters, but for ends of lines, come out as their escapes."""
    print(*(escape_control(value, keep="\n") for value in values), file=file, flush=flush)
