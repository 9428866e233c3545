"""Tables for notebooks."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

ROW = '<tr><th style="text-align: left">{}</th><td style="text-align: left">{}</td></tr>'


def as_table(title: str, rows: Mapping[str, object]) -> str:
    """Return a table of names and values with a title as HTML."""
    cells = "".join(ROW.format(escape(name), escape(str(value))) for name, value in rows.items())
    return f"<table><caption><b>{escape(title)}</b></caption>{cells}</table>"
