"""The API reference: the names that docs/promises.md says are public."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import zoo
from pages.markdown import DOCS, code, from_docstring, hidden_toctree, write

FOLDER = DOCS / "reference"

ELSEWHERE = ("zoo.models", "zoo.datamodules")
"""Modules whose classes have pages of their own."""


def write_pages() -> None:
    """Write a page for each public module, and their list."""
    lines = []
    for module, names in public():
        about = inspect.getdoc(import_module(module)) or ""
        first = from_docstring(about.partition("\n\n")[0].replace("\n", " "))
        blocks = "".join(code(_directive(module, name), "{eval-rst}") for name in names)
        write(FOLDER / f"{module}.md", f"# {module}\n\n{first}\n{blocks}")
        lines += [
            f"- [{module}]({module}.md): " + ", ".join(f"{{py:obj}}`{name} <{module}.{name}>`" for name in names) + "\n"
        ]
    write(
        FOLDER / "index.md",
        "# API reference\n\nWhat is public, and only that; [What you can rely on](../promises.md) says for "
        "how long. The networks in `zoo.models` and the data sets in `zoo.datamodules` are on "
        "[pages](../networks/index.md) of [their own](../datasets/index.md).\n\n"
        + "".join(lines)
        + hidden_toctree(module for module, _ in public()),
    )


def public() -> Iterator[tuple[str, list[str]]]:
    """Return the public modules, and the public names in each."""
    promises = (DOCS / "promises.md").read_text(encoding="utf-8")
    section = promises.partition("## Public names")[2].partition("\n## ")[0]
    for item in re.split(r"(?m)^- ", section)[1:]:
        module, *names = re.findall(r"`([\w.]+)`", item)
        if module == "zoo":
            yield (
                module,
                [name for name in zoo.__all__ if not inspect.ismodule(getattr(zoo, name)) and name != "__version__"],
            )
        elif module.startswith("zoo.") and module not in ELSEWHERE:
            found = import_module(module)
            yield module, [n for n in names if hasattr(found, n) and getattr(found, n) is not getattr(zoo, n, None)]


def _directive(module: str, name: str) -> str:
    thing: Any = getattr(import_module(module), name)
    path = f"{module}.{name}"
    if inspect.isfunction(thing):
        return f".. autofunction:: {path}"
    if not inspect.isclass(thing):
        return f".. autodata:: {path}\n   :no-value:"
    if issubclass(thing, Exception):
        return f".. autoexception:: {path}"
    members = "" if _documents_attributes(thing) else "\n   :members:"
    return f".. autoclass:: {path}\n   :show-inheritance:{members}"


def _documents_attributes(cls: type) -> bool:
    """Return whether a class's docstring describes its fields: autodoc would describe them again."""
    return "Attributes:" in (cls.__doc__ or "") and (hasattr(cls, "_fields") or hasattr(cls, "__dataclass_fields__"))
