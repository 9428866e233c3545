"""Texts of two classes that every installation of the zoo has: the documentation of scipy and of torch."""

from __future__ import annotations

import importlib
import inspect
import re
import warnings
from collections.abc import Iterator

MODULES = {
    "scipy": (
        "cluster.hierarchy cluster.vq constants fft integrate interpolate io linalg ndimage optimize signal sparse "
        "sparse.csgraph sparse.linalg spatial spatial.distance special stats"
    ),
    "torch": (
        ". autograd distributed distributions fft linalg nn nn.functional nn.init optim optim.lr_scheduler sparse "
        "special utils.data"
    ),
}
"""The packages, which are the classes, and their modules with documentation; a dot is the package itself."""

PARAGRAPHS = 4
"""Most paragraphs of a function or class: the first ones of prose, which say what it does."""

ROLE, MARKUP = re.compile(r":\w+:`~?([^`]*)`"), re.compile(r"`|\*|\\\w+")
NAMES = re.compile(r"\b(?:scipy|numpy|np|torch|pytorch)\b\.?", re.IGNORECASE)
PROSE = re.compile(r"[A-Z](?!.*(?:->|>>>|----))(?:\S+ ){4,}.*[.:]")
"""A paragraph of at least five words, rather than a signature, an example or a heading."""


def texts_of(package: str) -> list[str]:
    """Return paragraphs of the documentation of a package, without its name and markup, each once, sorted."""
    found: set[str] = set()
    for name in MODULES[package].split():
        with warnings.catch_warnings(action="ignore"):  # about what is deprecated
            module = importlib.import_module(f"{package}.{name}".rstrip("."))
            values = [getattr(module, public, None) for public in getattr(module, "__all__", dir(module))]
        for value in values:
            if callable(value):
                found |= {*[*_prose(inspect.getdoc(value) or "")][:PARAGRAPHS]}
    return sorted(found)


def labeled_texts() -> list[tuple[str, str]]:
    """Return the texts of both packages with the name of theirs, without those that both have."""
    of_package = {package: texts_of(package) for package in MODULES}
    common = set.intersection(*map(set, of_package.values()))
    return [(text, package) for package, texts in of_package.items() for text in texts if text not in common]


def _prose(documentation: str) -> Iterator[str]:
    for paragraph in documentation.split("\n\n"):
        text = NAMES.sub("", MARKUP.sub("", ROLE.sub(r"\1", " ".join(paragraph.split()))))
        if PROSE.fullmatch(text):
            yield " ".join(text.split())
