"""The results of runs, read from their folders."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from zoo.errors import ZooError, suggestion
from zoo.support.console import echo, escape_control, listed
from zoo.support.files import parse_path, read_bytes
from zoo.training.config_file import SHAPE_OPTIONS, config_text

MAX_BYTES = 10_000_000
"""Size limit of a results.json."""

FIELDS: dict[str, Any] = {
    "model": str,
    "data": str,
    "seed": int,
    "epochs": int,
    "steps": int,
    "seconds": int | float,
    "parameters": int | None,
}
"""What a results.json has beside the metrics, and of which types."""

COLUMNS = ("run", *FIELDS)
"""Names in addition to options and metrics."""

SPLITS = ("train/", "val/", "test/")
"""Beginnings of the names of metrics."""

LOWER_IS_BETTER = ("loss", "error", "mae", "mse", "rmse", "ece")
"""Last words of the names of metrics that are best when low."""

NOT_OPTIONS = (
    *("out", "name", "model.name", "data.name", "config", "ckpt_path", "checkpoint_every", "metrics", "baselines"),
    "test",
    *("data.root", "trainer.max_epochs", "trainer.enable_model_summary", "trainer.enable_progress_bar"),
    *SHAPE_OPTIONS,
)
"""Options that do not make runs different, that follow from others, or that have a column already."""

Row = dict[str, Any]


def read_results(*folders: str | PathLike[str]) -> list[Row]:
    """Read the results of all runs in some folders, one dictionary a run.

    Its keys are

    - ``run``, the folder; ``model`` and ``data``, the names of the network and the data set; ``seed``; ``epochs`` and
      ``steps``, how many it trained; ``seconds``, how long; ``parameters``, how many the network has;
    - the final metrics, such as ``val/loss`` and ``test/acc``; None if they are not finite;
    - the options, such as ``model.lr`` and ``data.batch_size``, and those in others, such as
      ``model.optimizer_args.momentum``. One that is missing was not given, or did not exist yet.

    Damaged files, and runs that trained nothing, are skipped and named on stderr.

    Args:
        folders: Folders that have runs in them, at any depth. Default: ``runs``.

    Raises:
        ZooError: A folder does not exist.
    """
    rows = []
    for folder in (parse_path(folder, "folder") for folder in folders or ("runs",)):
        if not folder.is_dir():
            raise ZooError(f"{folder} is not a directory")
        for path in sorted(folder.rglob("results.json"), key=_by_number):
            try:
                rows.append(read_run(path.parent))
            except ZooError as error:
                echo(escape_control(f"zoo: {error}; skipped"), file=sys.stderr)
    return rows


def read_run(folder: Path) -> Row:
    """Read the results of a finished run, as :func:`read_results` does.

    Raises:
        ZooError: A file is damaged, or the run trained nothing.
    """
    path = folder / "results.json"
    try:
        results = json.loads(read_bytes(path, MAX_BYTES))
        fields = {"parameters": None, **results}
        if wrong := [name for name, kind in FIELDS.items() if not isinstance(fields[name], kind)]:
            raise TypeError(wrong)
        metrics = {
            f"{split}/{name}": value
            for split, values in results["metrics"].items()
            for name, value in (values or {}).items()
            if value is None or isinstance(value, int | float)
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise ZooError(f"{path} is not a results file") from None
    options = read_options(folder / "config.yaml")
    if not fields["steps"] or options.get("trainer.fast_dev_run"):
        raise ZooError(f"{folder} trained nothing")
    row = {"run": str(folder), **{name: fields[name] for name in FIELDS}, **metrics}
    return {**row, **options, **row}


def differing_options(rows: Sequence[Row]) -> list[str]:
    """Return the names of the options in which runs differ; not those inside of a class that only some of them have.

    An option that a run does not have counts as off: it is a run of an earlier release, in which it did not exist.
    """
    names = [name for name in names_of(rows) if name not in (*COLUMNS, *NOT_OPTIONS) and not name.startswith(SPLITS)]
    found = [name for name in names if len({_comparable(name, row.get(name)) for row in rows}) > 1]
    return [name for name in found if not any(name.startswith(f"{other}.") for other in found)]


def names_of(rows: Sequence[Row]) -> list[str]:
    """Return the names of all that is known of some runs."""
    return list(dict.fromkeys(name for row in rows for name in row))


def find_column(name: str, rows: Sequence[Row]) -> str:
    """Return the key of a row that a user means: ``lr`` is short for ``model.lr``.

    Raises:
        ZooError: No row has it.
    """
    names = names_of(rows)
    if name in names:
        return name
    by_short_name = {short_name(key): key for key in names}
    if name not in by_short_name:
        hint = suggestion(name, [*names, *by_short_name])
        plain = [known for known in names if known in COLUMNS or known.startswith(SPLITS)]
        raise ZooError(f"no run has {name!r}{hint or f'; there are options, and {listed(plain)}'}")
    return by_short_name[name]


def best_is_low(metric: str) -> bool:
    """Return whether a metric, such as ``val/loss``, is best when low."""
    return re.split("[/_]", metric)[-1] in LOWER_IS_BETTER


def short_name(name: str) -> str:
    """Return the name of an option without its section, if that is clear: ``lr`` for ``model.lr``."""
    return name.removeprefix("model.").removeprefix("trainer.")


def _comparable(option: str, value: Any) -> str:
    if option.startswith(("model.", "data.")) and value in (None, False, 0):
        return "off"
    return str(float(value) if isinstance(value, int | float) else value)


def read_options(config: Path) -> Row:
    """Return the options of a run by their full names; none if it has no config. Raises ZooError if it is damaged."""
    import yaml

    if not config.exists():
        return {}
    try:
        return dict(_flat("", yaml.safe_load(config_text(config))))
    except (ValueError, yaml.YAMLError):
        raise ZooError(f"{config} is damaged") from None


def _flat(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case {"class_path": str(path)}:
            name = f"{name}.{path.rpartition('.')[2]}"
            yield name, True
            yield from _flat(name, value.get("init_args") or {})
        case dict():
            for key, item in value.items():
                yield from _flat(f"{name}.{key}".removeprefix("."), item)
        case [] | [{"class_path": _}, *_]:
            for item in value:
                yield from _flat(name, item)
        case _:
            yield name, value


def _by_number(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in path.parts]
