"""A series of runs in one folder: several seeds, folds or combinations of options."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.support.files import atomic_write, read_bytes
from zoo.training.run_folder import lock_folder, new_folder, numbered_folders

NAME = "series.json"
"""The file that says which runs a folder is for."""

MAX_BYTES = 10_000_000

NEEDED: dict[str, Any] = {"metrics": dict, "seed": int, "epochs": int, "steps": int, "seconds": int | float}
"""What the report on a series needs of a ``results.json``."""


@dataclass(frozen=True)
class SubRun:
    """A run of a series.

    Attributes:
        name: Name of its folder.
        options: The options in which combinations differ, by name.
        words: All options in which it differs from the others, as words of a command line.
    """

    name: str
    options: Mapping[str, str]
    words: Sequence[str]


@dataclass(frozen=True)
class Series:
    """A series of runs.

    Attributes:
        folder: Its folder, in which each run has one.
        command: The command that starts it, and goes on with it.
        runs: The runs.
    """

    folder: Path
    command: str
    runs: Sequence[SubRun]

    def folder_of(self, run: SubRun) -> Path:
        """Return the folder of a run."""
        return self.folder / run.name

    def results_of(self, run: SubRun) -> dict[str, Any] | None:
        """Return what the ``results.json`` of a run holds, None if it has not ended, or the file is damaged."""
        results = _read(self.folder_of(run) / "results.json") or {}
        return results if all(isinstance(results.get(name), kind) for name, kind in NEEDED.items()) else None

    def was_pruned(self, run: SubRun) -> bool:
        """Return whether a search has stopped a run early."""
        return bool((self.results_of(run) or {}).get("pruned"))

    def combinations(self) -> list[list[SubRun]]:
        """Return the runs that differ in seed and fold alone, for each combination of options."""
        found: dict[tuple[str, ...], list[SubRun]] = {}
        for run in self.runs:
            found.setdefault(tuple(run.options.values()), []).append(run)
        return list(found.values())


def describe(config: Mapping[str, Any], runs: Sequence[SubRun]) -> dict[str, Any]:
    """Return what tells a series from others, as JSON keeps it: the options of its first run, and how others differ."""
    description = {"format": 1, "config": dict(config), "runs": {run.name: list(run.words) for run in runs}}
    plain: dict[str, Any] = json.loads(json.dumps(description))
    return plain


def find_series(base: Path, description: Mapping[str, Any]) -> Path | None:
    """Return the folder of a series among those of runs of its kind; the newest, or None if there is none."""
    return next((folder for folder in numbered_folders(base) if _read(folder / NAME) == description), None)


def open_series(base: Path, description: Mapping[str, Any]) -> Path:
    """Return the folder of a series, which is made if there is none: once, if several processes ask at a time.

    Raises:
        ZooError: It cannot be made.
    """
    folder = new_folder(base)
    with lock_folder(base):
        found = find_series(base, description)
        if found:
            folder.rmdir()
            return found
        with atomic_write(folder / NAME) as temporary:
            temporary.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        return folder


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(read_bytes(path, MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
