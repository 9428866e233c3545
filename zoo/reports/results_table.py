"""The results of many runs as one table."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.support.console import echo, escape_control
from zoo.support.files import atomic_write, parse_path, read_bytes
from zoo.support.tables import csv_cell, format_number, format_table
from zoo.training.config_file import config_text

MAX_BYTES = 10_000_000
"""Size limit of a results.json."""

SPLITS = ("train/", "val/", "test/")

COLUMNS = ("run", "model", "data", "seed", "epochs", "steps", "seconds")
"""Columns in addition to options and metrics."""

SHOWN = ("epochs", "seconds", "val/acc", "val/mae", "test/acc", "test/mae", "test/loss")
"""Columns on the screen in addition to the options that differ; the CSV file has all."""

NOT_OPTIONS = ("out", "name", "config", "ckpt_path", "checkpoint_every", "data.root", "trainer.max_epochs")
"""Options that do not make runs different, or that have a column already."""


def show(folders: Sequence[str], csv_file: str | None = None) -> None:
    """Print the results of all runs in some folders, and write them as CSV if asked to.

    The options in which the runs differ are columns. Damaged files, and runs that trained nothing, are skipped and
    named on stderr.

    Raises:
        ZooError: A folder does not exist, or has no results.
    """
    rows = [row for folder in folders for row in _rows(parse_path(folder, "folder"))]
    if not rows:
        raise ZooError(f"no results.json found in {', '.join(folders)}; a run writes it when it ends")
    names = list(dict.fromkeys(name for row in rows for name in row))
    metrics = [name for name in names if name.startswith(SPLITS)]
    options = [name for name in names if name not in (*COLUMNS, *NOT_OPTIONS, *metrics) and _differs(name, rows)]
    if csv_file:
        try:
            target = parse_path(csv_file, "--csv")
            with atomic_write(target) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
                header = [csv_cell(name) for name in (*COLUMNS, *options, *metrics)]
                writer = csv.DictWriter(file, header, extrasaction="ignore")
                writer.writeheader()
                writer.writerows({csv_cell(k): csv_cell(v) for k, v in row.items()} for row in rows)
        except OSError as error:
            raise ZooError(f"{csv_file} cannot be written ({error.strerror})") from None
    origin = [name for name in ("model", "data", "seed") if len({row[name] for row in rows}) > 1]
    shown = ["run", *origin, *options, *(name for name in SHOWN if name in names)]
    header = [name.removeprefix("model.").removeprefix("trainer.") for name in shown]
    echo(format_table(header, [[_cell(name, row.get(name)) for name in shown] for row in rows]))


def _differs(option: str, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return whether runs of one network on one data set differ in an option."""
    found: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        found.setdefault((row["model"], row["data"]), set()).add(str(row.get(option)))
    return any(len(values) > 1 for values in found.values())


def _rows(folder: Path) -> list[dict[str, Any]]:
    if not folder.is_dir():
        raise ZooError(f"{folder} is not a directory")
    rows = []
    for path in sorted(folder.rglob("results.json"), key=_by_number):
        try:
            results = json.loads(read_bytes(path, MAX_BYTES))
            row = {"run": str(path.parent), **{name: results[name] for name in COLUMNS[1:]}}
            for split, values in results["metrics"].items():
                row |= {f"{split}/{name}": value for name, value in (values or {}).items()}
            trained_nothing = not results["steps"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            echo(escape_control(f"zoo: {path} is not a results file; skipped"), file=sys.stderr)
            continue
        options = _options(path.with_name("config.yaml"))
        if trained_nothing or options.get("trainer.fast_dev_run"):
            echo(escape_control(f"zoo: {path.parent} trained nothing; skipped"), file=sys.stderr)
            continue
        rows.append({**options, **row})
    return rows


def _options(config: Path) -> dict[str, Any]:
    """Return the options of a run by name, such as ``model.lr``; empty if its config cannot be read."""
    import yaml

    try:
        content = yaml.safe_load(config_text(config))
        sections = {name: value for name, value in content.items() if isinstance(value, dict)}
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return {}
    inner = {f"{name}.{key}": item for name, values in sections.items() for key, item in values.items()}
    return {name: value for name, value in (content | inner).items() if name not in sections}


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in path.parts]


def _cell(name: str, value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return (
            format_number(value) if name.startswith(SPLITS) else f"{value:.1f}" if name == "seconds" else f"{value:g}"
        )
    return str(value)
