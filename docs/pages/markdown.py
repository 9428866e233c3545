"""Markdown as MyST reads it: tables, facts, tabs."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

DOCS = Path(__file__).parents[1]
REPOSITORY = DOCS.parent

LONG, WIDE = 15, ' class="wide"'
"""Letters of a fact beyond which it takes the place of two, and how."""


def from_docstring(text: str) -> str:
    """Turn the reStructuredText of a docstring into MyST: code, and roles, whose names become links."""
    text = re.sub(r":(class|func|meth|mod):`([^`]+)`", r"{py:\1}`\2`", text)
    return re.sub(r"``([^`]+)``", r"`\1`", text)


def table(header: Sequence[str], rows: Iterable[Sequence[object]], kind: str = "") -> str:
    """Return a table, in a frame that scrolls sideways where the page is narrow; ``kind`` is for its style."""

    def line(cells: Sequence[object]) -> str:
        return "| " + " | ".join(str(cell).replace("|", r"\|").replace("\n", " ") for cell in cells) + " |\n"

    body = line(header) + line(["---"] * len(header)) + "".join(map(line, rows))
    return f"\n:::{{div}} zoo-table {kind}\n\n{body}\n:::\n"


def sortable(header: Sequence[str], rows: Iterable[Sequence[tuple[str, float | str]]], kind: str = "") -> str:
    """Return a table as HTML whose columns can be sorted, from cells of HTML and what they are sorted by.

    ``kind`` is for its style.
    """
    head = "".join(f'<th scope="col" aria-sort="none"><button>{html.escape(name)}</button></th>' for name in header)
    lines = "".join(
        "<tr>" + "".join(f'<td data-sort="{html.escape(str(key))}">{shown}</td>' for shown, key in cells) + "</tr>\n"
        for cells in rows
    )
    return raw(
        f'<div class="zoo-table {kind}"><table class="table zoo-sortable"><thead><tr>{head}</tr></thead>\n'
        f"<tbody>\n{lines}</tbody></table></div>"
    )


def raw(text: str) -> str:
    """Return HTML that is passed on as it is."""
    return f"\n```{{raw}} html\n{text}\n```\n"


def live(element: str, folder: str) -> str:
    """Return an element that answers in the browser, for a page from which ``draw/`` is in a folder.

    Args:
        element: Its name and attributes.
        folder: The way to ``draw/``.
    """
    name = element.partition(" ")[0]
    server = "<code>python -m http.server</code>"
    instead = (
        f"Needs a web server, such as {server}. <a href='{folder}draw-a-digit.html'>This file</a> opens without one."
    )
    script = f'<script type="module" src="{folder}draw.js"></script>'
    return raw(
        f'<{element} class="zoo-live"><p>{instead}</p><noscript>It also needs JavaScript.</noscript></{name}>\n{script}'
    )


def code(text: str, language: str = "text") -> str:
    """Return a block of code."""
    return f"\n```{language}\n{text.strip()}\n```\n"


def command(text: str) -> str:
    """Return a command, in as many lines as the page needs."""
    return f"\n```{{code-block}} text\n:class: zoo-wrap\n\n{text}\n```\n"


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Return short values, each above what it is, as HTML."""
    cells = "".join(
        f"<div{WIDE if len(re.sub('<.*?>', '', value)) > LONG else ''}><dt>{label}</dt><dd>{value}</dd></div>"
        for value, label in pairs
    )
    return raw(f'<dl class="zoo-facts">{cells}</dl>')


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Return a list of terms and what they are."""
    return "\n" + "".join(f"{term}\n: {text}\n\n" for term, text in pairs)


def tabs(items: Iterable[tuple[str, str]]) -> str:
    """Return contents of which one is shown at a time, by name."""
    inside = "".join(f":::{{tab-item}} {name}\n{content.strip()}\n:::\n" for name, content in items)
    return f"\n::::{{tab-set}}\n{inside}::::\n"


def hidden_toctree(names: Iterable[str], caption: str = "") -> str:
    """Return the list of the pages below a page, for the navigation alone."""
    title = f":caption: {caption}\n" if caption else ""
    return f"\n```{{toctree}}\n:hidden:\n{title}\n" + "\n".join(names) + "\n```\n"


def write(path: Path, text: str) -> None:
    """Write a page, unless it is as it was: Sphinx reads changed pages again."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
