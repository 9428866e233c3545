"""Builds networks and data modules by name. A class is imported when its name is first used."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError, suggestion
from zoo.registry import DataRow, ModelRow, data_row, model_row
from zoo.support.signatures import arguments_of

if TYPE_CHECKING:
    from zoo.datamodules.common import DataModule
    from zoo.tasks import Task


def model_class(name: str) -> type[Task]:
    """Import and return the class of a network. Raises ZooError for an unknown name."""
    cls: type[Task] = _load(model_row(name).path)
    return cls


def datamodule_class(name: str) -> type[DataModule]:
    """Import and return the class of a data module. Raises ZooError for an unknown name."""
    cls: type[DataModule] = _load(data_row(name).path)
    return cls


def build_model(name: str, **arguments: Any) -> Task:
    """Build a network by name, without published weights; see :func:`zoo.create_model`."""
    check_model_arguments(name, arguments)
    return model_class(name)(**arguments)


def check_model_arguments(name: str, arguments: Mapping[str, Any]) -> None:
    """Raise ZooError for an unknown network, or for an argument that its class does not take."""
    _check_arguments("model", name, model_class(name), arguments)


def create_datamodule(name: str, **arguments: Any) -> DataModule:
    """Build a data module by name.

    Args:
        name: One of :func:`list_datamodules`.
        **arguments: Arguments of the data module's class.

    Raises:
        ZooError: The name or an argument is unknown, or a value is invalid.
    """
    cls = datamodule_class(name)
    _check_arguments("data set", name, cls, arguments)
    return cls(**arguments)


def name_of(path: str, rows: Mapping[str, ModelRow | DataRow]) -> str | None:
    """Return the name of the row whose path is ``module:Class``, or None if there is none."""
    return next((name for name, row in rows.items() if row.path == path), None)


def load_class(name: str, rows: Mapping[str, ModelRow | DataRow], package: str) -> Any:
    """Import and return a class by its name, such as ``SLP``; a package's ``__getattr__`` calls this.

    Raises:
        AttributeError: No row has a class of this name.
    """
    for row in rows.values():
        if row.path.endswith(f":{name}"):
            return _load(row.path)
    raise AttributeError(f"module {package!r} has no attribute {name!r}")


def _load(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


def _check_arguments(kind: str, name: str, cls: type, given: Mapping[str, Any]) -> None:
    known = arguments_of(cls)
    for argument in given:
        if argument not in known:
            raise ZooError(f"{kind} {name!r} takes no argument {argument!r}{suggestion(argument, known)}")
