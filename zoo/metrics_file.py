"""The metrics of a run as one table: a row each time something is measured, a column a metric."""

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
from zoo.files import open_file, written_whole


class MetricsFile(Logger):
    """Writes ``metrics.csv``, with each step once: Lightning's CSVLogger gives train and val rows of their own.

    The file is complete after every row, and a resumed run goes on where its checkpoint was.

    Args:
        folder: The run folder.
        checkpoint: The checkpoint that the run goes on from, if it does: later rows of an existing file are dropped,
            and the metrics of the epoch that it was saved at the end of are added, which may not be written yet.
    """

    def __init__(self, folder: Path, checkpoint: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        self.path = folder / "metrics.csv"
        self.rows: dict[int, dict[str, float]] = {}
        if checkpoint:
            last = checkpoint["global_step"] - 1
            rows = read_metrics(self.path) if self.path.exists() else []
            self.rows = {int(row["step"]): row for row in rows if row["step"] <= last}
            if metrics := checkpoint.get("exact_resume", {}).get("epoch_metrics"):
                self.log_metrics({"epoch": checkpoint["epoch"], **metrics}, last)

    @property
    def name(self) -> str:
        """Return Lightning's name for the logger: none, the folder is the run's own."""
        return ""

    @property
    def version(self) -> str:
        """Return Lightning's version of the run: none."""
        return ""

    @property
    def save_dir(self) -> str:
        """Return the run folder."""
        return str(self.path.parent)

    def log_hyperparams(self, params: dict[str, Any] | Namespace, *args: Any, **kwargs: Any) -> None:
        """Do nothing: the run folder's config.yaml holds them."""

    @rank_zero_only
    def log_metrics(self, metrics: dict[str, float], step: int | None = None) -> None:
        """Add metrics to the row of their step."""
        row = self.rows.setdefault(step or 0, {"epoch": 0, "step": step or 0})
        row.update(metrics)
        columns = ["epoch", "step", *in_order({key for row in self.rows.values() for key in row} - {"epoch", "step"})]
        with written_whole(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, columns)
            writer.writeheader()
            writer.writerows(self.rows.values())


def in_order(names: Iterable[str]) -> list[str]:
    """Return names such as ``val/acc`` as they are read: train, val, test, and of each the loss first."""
    splits = ["train", "val", "test"]

    def place(name: str) -> tuple[int, bool, str]:
        split, _, metric = name.rpartition("/")
        return splits.index(split) if split in splits else len(splits), metric != "loss", metric

    return sorted(names, key=place)


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Read a ``metrics.csv``: one dictionary a row, of what was measured at its step.

    Raises:
        ZooError: It is damaged.
    """
    try:
        with io.TextIOWrapper(open_file(path), encoding="utf-8", newline="") as file:
            rows = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
        return [{**row, "epoch": int(row["epoch"]), "step": int(row["step"])} for row in rows]
    except (OSError, AttributeError, KeyError, TypeError, ValueError, OverflowError, csv.Error):
        raise ZooError(f"{path} is damaged; put it right, or delete it to go on without what it holds") from None
