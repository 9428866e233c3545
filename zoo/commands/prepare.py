"""``zoo prepare``: data sets fetched, unpacked and checked beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.factory import create_datamodule, datamodule_class
from zoo.registry import data_row
from zoo.support.console import echo
from zoo.support.signatures import arguments_of


def prepare(names: Sequence[str], root: str | None) -> None:
    """Fetch data sets into the data root, and check that they can be read.

    Args:
        names: Names of data sets.
        root: The data root. Default: the environment's ZOO_DATA, else ``data``.

    Raises:
        ZooError: One of them is unknown, cannot be fetched, or is damaged.
    """
    for name in names:
        data_row(name)
    for name in names:
        takes_root = root is not None and "root" in arguments_of(datamodule_class(name))
        data = create_datamodule(name, **({"root": root} if takes_root else {}))
        data.prepare_data()
        data.setup()
        sizes = ", ".join(f"{len(examples):,} {split}" for split, examples in data.splits.items())
        echo(f"{name}: {sizes}", flush=True)
