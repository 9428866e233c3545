"""Write the stub files of ``zoo.models`` and ``zoo.datamodules`` from the registry, for editors and type checkers.

python scripts/stubs.py [--check]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path

from zoo.registry import DATAMODULES, MODELS, DataRow, ModelRow

ZOO = Path(__file__).parents[1] / "zoo"

STUBS: dict[Path, Iterable[ModelRow | DataRow]] = {
    ZOO / "models" / "__init__.pyi": MODELS.values(),
    ZOO / "datamodules" / "__init__.pyi": DATAMODULES.values(),
}
"""The rows of each file."""


def stub(rows: Iterable[ModelRow | DataRow]) -> str:
    """Return the text of a stub file that imports the class of each row."""
    classes = sorted(row.path.split(":") for row in rows)
    imports = [f"from {module} import {name}" for module, name in classes]
    names = [f'    "{name}",' for name in sorted(name for _, name in classes)]
    return "\n".join(
        ["# Written by scripts/stubs.py from zoo/registry.py.", "", *imports, "", "__all__ = [", *names, "]", ""]
    )


def main(words: list[str] | None = None) -> int:
    """Write the stub files, or check them, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file is out of date")
    check = parser.parse_args(words).check
    stale = [
        path for path, rows in STUBS.items() if not path.exists() or path.read_text(encoding="utf-8") != stub(rows)
    ]
    if check and stale:
        names = " and ".join(str(path.relative_to(ZOO.parent)) for path in stale)
        print(f"out of date: {names}; write with: python scripts/stubs.py")
        return 1
    for path in stale:
        path.write_text(stub(STUBS[path]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
