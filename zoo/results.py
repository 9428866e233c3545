"""``zoo results``: what many runs came to, as one table."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.files import as_path, read_bytes, written_whole
from zoo.text import columns, plain, say

MOST_BYTES = 10_000_000
"""Of a results.json."""

COLUMNS = ("run", "model", "data", "seed", "epochs", "steps", "seconds")
"""Of each run, beside its metrics."""


def show(folders: Sequence[str], csv_file: str | None = None) -> None:
    """Print the results of all runs in some folders, and write them as CSV if asked to.

    Files that are no results are named on stderr, and left out.

    Raises:
        ZooError: A folder does not exist, or there are no results in it.
    """
    rows = [row for folder in folders for row in _rows(as_path(folder, "folder"))]
    if not rows:
        raise ZooError(f"there are no results.json in {', '.join(folders)}; a run writes one when it ends")
    metrics = list(dict.fromkeys(name for row in rows for name in row if name not in COLUMNS))
    names = [*COLUMNS, *metrics]
    if csv_file:
        try:
            with (
                written_whole(as_path(csv_file, "--csv")) as temporary,
                temporary.open("w", newline="", encoding="utf-8") as file,
            ):
                writer = csv.DictWriter(file, [_as_text(name) for name in names])
                writer.writeheader()
                writer.writerows({_as_text(k): _as_text(v) for k, v in row.items()} for row in rows)
        except OSError as error:
            raise ZooError(f"{csv_file} cannot be written ({error.strerror})") from None
    say(columns(names, [[_cell(row.get(name)) for name in names] for row in rows]))


def _rows(folder: Path) -> list[dict[str, Any]]:
    if not folder.is_dir():
        raise ZooError(f"{folder} is no folder")
    rows = []
    for path in sorted(folder.rglob("results.json"), key=_by_number):
        try:
            results = json.loads(read_bytes(path, MOST_BYTES))
            row = {"run": str(path.parent), **{name: results[name] for name in COLUMNS[1:]}}
            for split, values in results["metrics"].items():
                row |= {f"{split}/{name}": value for name, value in (values or {}).items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            say(plain(f"zoo: {path} holds no results, and is left out"), file=sys.stderr)
            continue
        rows.append(row)
    return rows


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in path.parts]


def _as_text(value: Any) -> Any:
    """Return a cell of a CSV file; a text that a spreadsheet would run as a formula gets an apostrophe before it."""
    if isinstance(value, int | float) or value is None:
        return value
    value = plain(value)
    return f"'{value}" if value.startswith(("=", "+", "-", "@")) else value


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    return f"{value:.4f}" if isinstance(value, float) else str(value)
