"""The packages of the zoo, its rooms, import one way; docs/architecture.md describes them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ZOO = Path(__file__).parents[1] / "zoo"

ROOMS = [
    ("errors", "kinds"),
    ("support", "launch", "internals"),
    ("plugins",),
    ("registry",),
    ("factory",),
    ("transforms",),
    ("tasks",),
    ("models", "datamodules"),
    ("checkpoints",),
    ("weights",),
    ("callbacks",),
    ("training", "sharing"),
    ("reports",),
    ("commands",),
]
"""From the first to the last. Those of one line do not import each other."""

FACES = ("__init__", "__main__", "hub")
"""Public names of what the rooms hold: they may import from any, and no room imports them."""

LAZY = r"zoo\.[a-z_]+(\.[a-z_]+)+(:\w+)?"
"""What names a module in a text."""

TABLES = ("registry.py", "moved.py")
"""Tables of modules in texts, which are imported by those who ask for one."""

MOST_LINES = 200
MOST_FILES = 6


def room(module: str) -> str:
    """Return the room of a module such as ``zoo.tasks.losses``."""
    return module.split(".")[1] if "." in module else "__init__"


def imports(source: str) -> Iterator[str]:
    """Yield the modules of the zoo that a source imports at any time; not those that only type checkers see."""

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom) and node.level:
            yield "." * node.level + (node.module or "")
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "zoo":
            for alias in node.names:
                yield f"{node.module}.{alias.name}" if node.module == "zoo" else node.module
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(LAZY, node.value):
            yield node.value.partition(":")[0]  # for import_module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "zoo")
        for child in ast.iter_child_nodes(node):
            yield from walk(child)

    return walk(ast.parse(source))


def arrows_back(here: str, source: str) -> list[str]:
    """Return what a module of the room ``here`` imports although its room comes first, or stands beside it."""
    order = {name: place for place, names in enumerate(ROOMS) for name in names}
    wrong = []
    for module in imports(source):
        if module.startswith("."):
            wrong.append(f"{here} imports {module}")
            continue
        there = room(module)
        if there != here and order.get(there, len(ROOMS)) >= order[here]:
            wrong.append(f"{here} imports {module}")
    return wrong


FILES = [path for path in sorted(ZOO.rglob("*.py")) if path.relative_to(ZOO).parts[0].removesuffix(".py") not in FACES]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ZOO)))
def test_a_room_imports_only_rooms_before_it(path: Path) -> None:
    here = path.relative_to(ZOO).parts[0].removesuffix(".py")
    source = path.read_text(encoding="utf-8")
    assert not [arrow for arrow in arrows_back(here, source) if path.name not in TABLES]


def test_an_arrow_that_runs_back_is_found() -> None:
    planted = "def late():\n    from zoo.commands.cli import main\n    import zoo.models.slp\n    from zoo import hub\n"
    planted += "    from ..commands import cli\n    import_module('zoo.training.trainer')\n"
    assert arrows_back("datamodules", planted) == [
        "datamodules imports zoo.commands.cli",
        "datamodules imports zoo.models.slp",
        "datamodules imports zoo.hub",
        "datamodules imports ..commands",
        "datamodules imports zoo.training.trainer",
    ]
    seen_by_checkers = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from zoo.commands.cli import main\n"
    assert not arrows_back("errors", seen_by_checkers)
    assert not arrows_back("commands", "from zoo.errors import ZooError\nfrom zoo.commands.parser import Parser\n")


def test_every_room_has_its_place() -> None:
    rooms = {path.relative_to(ZOO).parts[0].removesuffix(".py") for path in ZOO.rglob("*.py")}
    assert rooms - set(FACES) == {name for names in ROOMS for name in names}


def test_little_stands_at_the_top() -> None:
    loose = {path.stem for path in ZOO.glob("*.py")} - {"__init__", "__main__"}
    assert len(loose) <= MOST_FILES


@pytest.mark.parametrize("path", sorted(ZOO.rglob("*.py")), ids=lambda path: str(path.relative_to(ZOO)))
def test_no_file_is_too_long_to_be_read_at_once(path: Path) -> None:
    rows = 100 if path.name == "registry.py" else 0  # of its two tables, one row after the other
    assert len(path.read_text(encoding="utf-8").splitlines()) <= MOST_LINES + rows
