"""A table of the user's own."""

from __future__ import annotations

from functools import cached_property
from typing import get_args

import torch
from torch import Tensor

from zoo.datamodules.common.columns import (
    Missing,
    classes_of,
    groups_of,
    has_numbers,
    learn_column,
    placed,
    targets_of,
    without_missing,
)
from zoo.datamodules.common.examples import Batches, Examples
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.splitting import check_test_size, divide
from zoo.datamodules.common.table_files import TableFile
from zoo.datamodules.common.tables import TableDataModule
from zoo.errors import ZooError
from zoo.kinds import Residence, Split, TargetKind
from zoo.support.console import listed
from zoo.support.files import parse_path
from zoo.transforms import Learned, Table, Transform
from zoo.transforms.cells import CellError


class CSV(TableDataModule):
    """A table of your own: a CSV, TSV or Parquet file, with the names of the columns in its first row.

    Source: your file. It is split at random, always in the same way, with an equal share of each class.

    Input: ``(batch, features)``: columns of numbers, standardized to mean 0 and standard deviation 1; columns of texts,
    one-hot. Means, deviations and categories are those of the training split; in the other splits, a category that it
    does not have is all zeros.
    Target: texts, or up to 20 different integers: classes, ``(batch,)``. Other numbers: ``(batch, 1)``, as they are;
    then the inputs end with a 1, with which a network without a bias learns the mean.

    Args:
        path: The file: ``.csv``, separated by commas, semicolons or tabs; ``.tsv``; or ``.parquet``, with pyarrow.
        target: Name of the column to predict.
        columns: Names of the columns that are inputs, as a list or separated by commas. Default: all others.
        drop: Names of columns to leave out.
        group: Name of a column, such as a patient, whose rows are kept together in one split. It is no input.
        missing: What to do about missing values: ``refuse`` them; replace them by the ``mean``, or by the most frequent
            category; or ``drop`` their rows.
        test_size: Number of rows for testing, or their fraction if below 1.
        batch_size, val_size, seed, device_resident: See :class:`zoo.datamodules.common.DataModule`.
    """

    targets = ("class", "value")

    def __init__(
        self,
        path: str | None = None,
        target: str | None = None,
        columns: list[str] | str | None = None,
        drop: list[str] | str | None = None,
        group: str | None = None,
        missing: Missing = "refuse",
        test_size: int | float = 0.2,
        batch_size: int = 64,
        val_size: ValSize = 0.1,
        seed: int = 0,
        device_resident: Residence = "auto",
    ) -> None:
        super().__init__(batch_size, val_size, seed, device_resident)
        check_test_size(test_size)
        if missing not in get_args(Missing):
            raise ZooError(f"missing must be refuse, mean or drop, got {missing!r}")
        self.path, self.target_column, self.group = path, target, group
        self.columns, self.drop = columns, drop
        self.missing, self.test_size = missing, test_size
        self._trained: Table | None = None

    def prepare_data(self) -> None:
        """Check that there is a file. Raises ZooError if there is not."""
        _ = self._file

    def use_transform(self, transform: Transform | None) -> None:
        """Use the means, categories and classes of a trained network instead of learning them."""
        if isinstance(transform, Table):
            self._trained = transform
            vars(self).pop("_read", None)

    @property
    def transform(self) -> Table:
        """Turns a row into an input."""
        return self._read[0]

    @property
    def shape(self) -> tuple[int, ...]:  # type: ignore[override]  # is known once the file is read
        """Shape of one input."""
        return (self.transform.features,)

    @property
    def classes(self) -> tuple[str, ...]:  # type: ignore[override]
        """Names of the classes, by index; empty if the target is a number."""
        return self.transform.parts.classes

    @property
    def target(self) -> TargetKind:  # type: ignore[override]
        """Kind of the target."""
        return "class" if self.classes else "value"

    def compute_checksum(self) -> str:
        """Return a checksum of the table."""
        return self._file.checksum()

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return the training rows, those held out for validation left out, or the test rows."""
        return self._read[1]["train" if train else "test"].tensors

    def load_splits(self) -> dict[Split, Batches]:
        """Return the rows of each split."""
        return dict(self._read[1])

    @cached_property
    def _file(self) -> TableFile:
        if not self.path:
            raise ZooError("the table is a file of your own: give --data.path FILE and --data.target COLUMN")
        return TableFile.read(parse_path(self.path, "--data.path"))

    @cached_property
    def _read(self) -> tuple[Table, dict[Split, Examples]]:
        """What was learned, and the rows of each split."""
        table, target, inputs = self._chosen()
        trained = self._trained.parts if self._trained else None
        classes = trained.classes if trained and not self.new_targets else classes_of(target, table)
        y = targets_of(target, table, classes)
        rows: dict[Split, list[int]]
        rows = {"test": [*range(len(table))]} if self.only_test else self._divide(table, y, classes)
        if trained:
            columns = trained.columns
        else:
            columns = tuple(
                learn_column(
                    name, table, rows.get("train", rows["test"]), has_numbers(name, table), self.missing == "mean"
                )
                for name in inputs
            )
        transform = Table.of(Learned(columns, tuple(self._file.columns), target, classes))
        splits: dict[Split, Examples] = {}
        for split, chosen in rows.items():
            cells = [[table.columns[column.name][row] for row in chosen] for column in transform.parts.columns]
            try:
                x = transform.encode(cells, others=split != "train")
            except CellError as error:
                raise placed(error, table, chosen) from None
            for bad in (~x.isfinite().all(1)).nonzero().flatten().tolist():
                raise ZooError(f"{table.place(chosen[bad])} has a number that is too large")
            splits[split] = Examples(x, y[chosen])
        return transform, splits

    def _divide(self, table: TableFile, y: Tensor, classes: tuple[str, ...]) -> dict[Split, list[int]]:
        """Return the rows of each split."""
        labels = y if classes else torch.zeros(len(table), dtype=torch.int64)
        groups = groups_of(self.group, table) if self.group else None
        parts = divide(labels, self.val_size, self.test_size, groups)
        for label in {*labels.tolist()} - {*labels[parts["train"]].tolist()} if classes else ():
            raise ZooError(
                f"{table.path}: no row of class {classes[label]!r} is left for training; add rows, or hold out less"
            )
        return {split: part.tolist() for split, part in parts.items()}

    def _chosen(self) -> tuple[TableFile, str, list[str]]:
        """Return the rows that are used, the name of the target, and those of the inputs."""
        table = self._file
        target = self.target_column or (self._trained.parts.target if self._trained else None)
        if not target:
            raise ZooError(f"give the column to predict: --data.target, one of {listed([*table.columns])}")
        # A trained network knows its inputs, and what is tested need have no other columns.
        known = self.only_test and self._trained
        only, drop, group = ([] if known else _names(names) for names in (self.columns, self.drop, self.group))
        given = {"target": [target], "columns": only, "drop": drop, "group": group}
        for option, names in given.items():
            table.check_has(names, f"--data.{option}")
        if target in (*drop, *group):
            raise ZooError(f"column {target!r} is the target; it can be neither dropped nor the group")
        inputs = [name for name in table.columns if name in (only or table.columns)]
        inputs = [name for name in inputs if name not in (target, *group, *drop)]
        if self._trained:
            inputs = [column.name for column in self._trained.parts.columns]
            table.check_has(inputs, "an input of the trained network")
            if target in inputs:
                raise ZooError(f"column {target!r} is an input of the trained network; it cannot be the target")
        if not inputs:
            raise ZooError(f"{table.path} has no column left as input")
        return without_missing(table, inputs, [target, *group], self.missing), target, inputs


def _names(value: list[str] | str | None) -> list[str]:
    """Return names of columns that are given as a list, or separated by commas."""
    return [name.strip() for name in value.split(",")] if isinstance(value, str) else [*(value or ())]
