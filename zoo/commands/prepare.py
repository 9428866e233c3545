"""``zoo prepare``: download data sets beforehand, for machines without internet."""

from __future__ import annotations

from collections.abc import Sequence

from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.factory import create_datamodule, datamodule_class
from zoo.registry import YOURS, data_row, list_datamodules
from zoo.support.console import echo
from zoo.support.signatures import arguments_of


def run(request: Request) -> int:
    """Download data sets and return the exit code."""
    names = request.arguments("data sets")
    if not names:
        published = [name for name in list_datamodules() if data_row(name).license != YOURS]
        raise ZooError(f"give the data sets to download: {', '.join(published)}")
    prepare(names, request.root)
    return 0


def prepare(names: Sequence[str], root: str | None) -> None:
    """Download data sets into the data root, unpack them, and check that they can be read.

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
        sizes = ", ".join(f"{size:,} {split}" for split, size in data.sizes.items())
        echo(f"{name}: {sizes}", flush=True)
