"""Which networks can learn from which data."""

from __future__ import annotations

from zoo.creating import datamodule_class
from zoo.datamodules.base import DataModule
from zoo.errors import ZooError
from zoo.losses import SENSIBLE
from zoo.registry import datamodules
from zoo.tasks import Regressor, Task


def check_pair(model_name: str, model: type[Task], data_name: str, data: type[DataModule]) -> None:
    """Raise ZooError, in one line, if a network cannot learn from a data set, whatever the options."""
    if not _fits(model, data):
        fitting = [name for name in sorted(datamodules()) if _fits(model, datamodule_class(name))]
        raise ZooError(
            f"the network {model_name!r} cannot learn from {data_name!r}, which has {data.kind} inputs and "
            f"{data.target} targets; it can from: {', '.join(fitting)}"
        )


def _fits(model: type[Task], data: type[DataModule]) -> bool:
    if model.takes != data.kind or issubclass(model, Regressor) != (data.target == "value"):
        return False
    return data.target == "value" or (data.target, model.output) in SENSIBLE
