"""A page for each data set."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from pages.counts import bars
from pages.facts import card, options
from pages.layouts import HOW, LAYOUTS, STARTS
from pages.markdown import DOCS, code, definitions, from_docstring, hidden_toctree, raw, table, write
from pages.networks import options_table
from pages.runs import examples
from zoo.factory import datamodule_class
from zoo.registry import DATAMODULES, MODELS

FOLDER = DOCS / "datasets"


def write_pages() -> None:
    """Write a page for each data set of the registry, and the table of all."""
    for name in DATAMODULES:
        write(FOLDER / f"{name}.md", page(name))
    rows = []
    for name, row in DATAMODULES.items():
        found = sample(name)
        sizes = " / ".join(f"{size:,}" for size in found["sizes"].values()) if found else "–"
        rows.append(
            [
                f"[{name}]({name}.md)",
                from_docstring(row.summary),
                sizes,
                len(found["classes"]) or "–" if found else "–",
                row.license,
            ]
        )
    write(
        FOLDER / "index.md",
        "# Data sets\n\nBuilt in, generated, or your own. The examples are those for training, validation and "
        "testing.\n"
        + table(("data set", "what it is", "examples", "classes", "license"), rows)
        + "\n[Your own data](../data.md) tells how pictures, tables and texts are read and split.\n"
        + hidden_toctree(DATAMODULES),
    )


def sample(name: str) -> dict[str, Any] | None:
    """Return the sizes and some examples of a data set, which scripts/published_runs.py writes."""
    path = DOCS / "samples" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def page(name: str) -> str:
    """Return the page of a data set."""
    cls, row, found = datamodule_class(name), DATAMODULES[name], sample(name)
    prose, labelled = card(cls)
    trained = [model for model, of in MODELS.items() if of.data == name]
    parts = [f"# {name}\n\n{from_docstring(prose)}\n"]
    if found:
        parts += [_examples(found)]
    parts += ["\n## How to get it\n"]
    if name in HOW:
        parts += [f"\n{HOW[name]}\n"]
    if name in LAYOUTS:
        parts += [code(LAYOUTS[name])]
    parts += [code("import zoo\n" + STARTS.get(name, f'\ndata = zoo.create_datamodule("{name}")'), "python")]
    if name not in STARTS:
        parts += [code(f"zoo check {name}" + (f"\nzoo fit {trained[0]} --data {name}" if trained else ""))]
    known = {"License": row.license, **{label: from_docstring(text) for label, text in labelled.items()}}
    if trained:
        known["Networks trained on it"] = ", ".join(f"[{model}](../networks/{model}.md)" for model in trained)
    parts += [
        "\n## The card\n",
        definitions(known.items()),
        "\n## Options\n\nOn the command line, `--data.NAME`.\n",
        options_table(options(cls)),
        "\n## Class\n" + code(f".. autoclass:: zoo.datamodules.{cls.__name__}\n   :show-inheritance:", "{eval-rst}"),
    ]
    return "".join(parts)


def _examples(found: dict[str, Any]) -> str:
    sizes = ", ".join(f"{size:,} {split}" for split, size in found["sizes"].items())
    parts = [f"\n{sizes}.\n"]
    if "examples" in found:
        shown = ((one, f"<b>{escape(one['class'])}</b>") for one in found["examples"])
        parts += ["\n## Examples\n", raw(examples(shown))]
    else:
        width = len(found["rows"][0])
        header = [*(f"input {n + 1}" for n in range(width - 1)), "target"]
        parts += ["\n## Rows\n", table(header, ([f"{value:g}" for value in row] for row in found["rows"]))]
    if "counts" in found:
        counts = dict(zip(found["classes"], found["counts"], strict=True))
        parts += ["\n## Classes\n\nExamples of the training split.\n", raw(bars(counts))]
    return "".join(parts)
