"""``metrics.csv``: the metrics of a run, one row a step, one column a metric."""

from __future__ import annotations

import csv
import io
from argparse import Namespace
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from zoo.errors import ZooError
from zoo.support.files import atomic_write, open_file
from zoo.support.tables import sort_metrics

FIRST = ("epoch", "step")
"""Columns of every row."""


class MetricsFile(Logger):
    """Writes ``metrics.csv``, one row a step; Lightning's CSVLogger writes separate rows for train and val.

    The file is complete after every row. A run that is resumed adds rows to it; see :func:`rewind`.

    Args:
        folder: The run folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.path = metrics_path(folder)
        self.columns: list[str] = []
        self.row: dict[str, float] = {}
        self.row_start = 0

    @property
    def name(self) -> str:
        """Return an empty name: the folder belongs to the run."""
        return ""

    @property
    def version(self) -> str:
        """Return an empty version."""
        return ""

    @property
    def save_dir(self) -> str:
        """Return the run folder."""
        return str(self.path.parent)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the run folder's config.yaml holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add metrics to the row of their step: a new row, or the last one, which is written again."""
        if not self.path.exists():
            self.columns = []
        elif not self.columns:
            self._write(read_metrics(self.path))
        if self.row.get("step") != (step or 0):
            self.row = {"epoch": 0, "step": step or 0}
            self.row_start = self.path.stat().st_size if self.columns else 0
        self.row.update(metrics)
        if self.row.keys() <= set(self.columns):
            self._write_row()
        else:
            rows = read_metrics(self.path) if self.columns else []
            self._write([row for row in rows if row["step"] != self.row["step"]] + [self.row])

    def _write(self, rows: list[dict[str, float]]) -> None:
        """Write the whole file, since it has a new column."""
        self.columns, lines = _write_rows(self.path, rows)
        self.row, self.row_start = (rows or [{}])[-1], len("".join(lines[:-1]).encode())

    def _write_row(self) -> None:
        """Write the last row only."""
        with self.path.open("r+b") as file:
            file.seek(self.row_start)
            file.write(_line([self.row.get(name, "") for name in self.columns]).encode())
            file.truncate()


def metrics_path(folder: Path) -> Path:
    """Return where a run folder keeps its metrics."""
    return folder / "metrics.csv"


def rewind(path: Path, checkpoint: Mapping[str, Any], is_complete: bool) -> None:
    """Take the metrics of a run back to the checkpoint that it resumes from.

    Later rows are dropped. The metrics of the epoch at whose end the checkpoint was saved are added, since they may not
    have been written.

    Args:
        path: The ``metrics.csv``.
        checkpoint: The checkpoint.
        is_complete: Whether nothing is left to train. If not, the metrics of an epoch that was cut short are dropped
            too, since the epoch continues.
    """
    last, saved = checkpoint["global_step"] - 1, checkpoint.get("exact_resume", {})
    rows = [row for row in read_metrics(path) if row["step"] <= last] if path.exists() else []
    unfinished = saved.get("cut_short") and not is_complete
    if rows and rows[-1]["step"] == last and unfinished:
        rows[-1] = {name: value for name, value in rows[-1].items() if not name.startswith("train/")}
        if rows[-1].keys() == set(FIRST):
            del rows[-1]
    if (metrics := saved.get("epoch_metrics")) and not unfinished:
        if not rows or rows[-1]["step"] != last:
            rows.append({"step": last})
        rows[-1] |= {"epoch": checkpoint["epoch"], **metrics}
    if rows:
        _write_rows(path, rows)
    else:
        path.unlink(missing_ok=True)


def _write_rows(path: Path, rows: list[dict[str, float]]) -> tuple[list[str], list[str]]:
    """Write a whole file, and return its columns and its lines."""
    columns = [*FIRST, *sort_metrics({name for row in rows for name in row} - set(FIRST))]
    lines = [_line(columns), *(_line([row.get(name, "") for name in columns]) for row in rows)]
    with atomic_write(path) as temporary:
        temporary.write_text("".join(lines), encoding="utf-8", newline="")
    return columns, lines


def _line(values: Iterable[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(values)
    return text.getvalue()


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Read a ``metrics.csv`` as one dictionary a row.

    An incomplete last row is ignored.

    Raises:
        ZooError: It is damaged.
    """
    try:
        with open_file(path) as file:
            whole, _, _ = file.read().decode("utf-8").rpartition("\n")
        rows = [
            {key: float(value) for key, value in row.items() if value} for row in csv.DictReader(io.StringIO(whole))
        ]
        if any(row[name] < 0 for row in rows for name in FIRST):
            raise ValueError
        return [{**row, "epoch": int(row["epoch"]), "step": int(row["step"])} for row in rows]
    except (OSError, AttributeError, KeyError, TypeError, ValueError, OverflowError, csv.Error):
        raise ZooError(f"{path} is damaged; repair it, or delete it to resume without the earlier metrics") from None
