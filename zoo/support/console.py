"""Printing without control characters, which could manipulate the terminal."""

from __future__ import annotations

import os
import shlex
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

REORDERING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that change the direction of text."""


def escape_control(text: object, keep: str = "") -> str:
    """Return a text with its control characters escaped, so that untrusted text cannot manipulate the terminal.

    Args:
        text: The text, for example a file name or the name of a class.
        keep: Control characters that are not escaped.
    """
    text = str(text)
    if is_printable(text):
        return text
    return "".join(c if c in keep or is_printable(c) else c.encode("unicode_escape").decode("ascii") for c in text)


def one_line(text: object) -> str:
    """Return a text, such as that of an error, with all white space as single spaces."""
    return " ".join(str(text).split())


def is_printable(text: str) -> bool:
    """Return whether a text has no control characters, line separators or characters that change its direction."""
    return text.isprintable() or not any(unicodedata.category(c) in ("Cc", "Zl", "Zp") or c in REORDERING for c in text)


def command_line(words: Iterable[str]) -> str:
    """Return words as a command to paste into a shell. Those of Windows know double quotes only."""
    if os.name != "nt":
        return shlex.join(words)
    from subprocess import list2cmdline

    return list2cmdline(words)


def echo(*values: object, file: TextIO | None = None, flush: bool = False) -> None:
    """Print values with control characters other than newlines escaped."""
    print(*(escape_control(value, keep="\n") for value in values), file=file, flush=flush)


def listed(names: Sequence[str], most: int = 12) -> str:
    """Return names as a list for a message, cut short if there are many."""
    return ", ".join(one_line(name)[:40] for name in names[:most]) + (
        f" and {len(names) - most} more" if names[most:] else ""
    )
