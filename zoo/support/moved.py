"""Modules that have moved, by their old names: importing one warns, and gives the module that it is now."""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

MOVED = {
    "zoo.cli": "zoo.commands.cli",
    "zoo.losses": "zoo.tasks.losses",
    "zoo.callbacks.exact_resume": "zoo.callbacks.checkpointing",
    "zoo.datamodules.base": "zoo.datamodules.common.base",
    "zoo.datamodules.examples": "zoo.datamodules.common.examples",
    "zoo.datamodules.images": "zoo.datamodules.common.images",
    "zoo.datamodules.tables": "zoo.datamodules.common.tables",
}


class _Alias(Loader):
    """Loads the module that another name stands for."""

    def __init__(self, name: str) -> None:
        self.name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module under its present name."""
        module = importlib.import_module(self.name)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own spec back, which the import replaced; it has run already."""
        module.__spec__ = self.spec


class _Finder(MetaPathFinder):
    """Finds modules by their old names."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return where a moved module is now; None for any other name."""
        if fullname not in MOVED:
            return None
        warnings.warn(f"{fullname} is now {MOVED[fullname]}", DeprecationWarning, stacklevel=2)
        return ModuleSpec(fullname, _Alias(MOVED[fullname]))


def keep_old_names() -> None:
    """Let modules be imported by the names that they had in earlier releases."""
    sys.meta_path.append(_Finder())
