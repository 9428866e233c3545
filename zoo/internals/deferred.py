"""Packages that Lightning imports, and few runs use: they are imported when somebody uses what they hold.

Torchmetrics imports scipy.signal and torchvision for metrics of sound, pictures and boxes. They take a third of the
time of ``import lightning``, and there is no public way to leave them out.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

UNUSED = ("scipy", "torchvision")
"""Packages to defer while Lightning is imported."""


@contextmanager
def deferred(*packages: str) -> Iterator[None]:
    """Let imports of packages in the context take place when what they name is used.

    Packages that are imported already stay as they are.
    """
    finder = _Finder([package for package in packages if package not in sys.modules])
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        finder.close()


def import_lightning() -> None:
    """Import Lightning without what few runs use; or with it, if something that is installed needs it at once."""
    try:
        with deferred(*UNUSED):
            import lightning.pytorch
    except Exception as error:  # perhaps what another package does with a stand-in
        for name in [name for name in sys.modules if name.partition(".")[0] in ("lightning", "torchmetrics")]:
            del sys.modules[name]
        try:
            import lightning.pytorch  # noqa: F401
        except Exception:
            raise error from None


class _Finder(MetaPathFinder, Loader):
    """Finds a stand-in for each module of some packages, until it is closed."""

    def __init__(self, packages: Sequence[str]) -> None:
        self.packages = packages
        self.stand_ins: list[str] = []

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in self.packages else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        self.stand_ins.append(spec.name)
        return _StandIn(spec.name, self)

    def exec_module(self, module: ModuleType) -> None:
        pass

    def close(self) -> None:
        """Let whoever imports a package from now on get the real one."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        while self.stand_ins:
            del sys.modules[self.stand_ins.pop()]


class _StandIn(ModuleType):
    """A module whose names are imported when they are used."""

    def __init__(self, name: str, finder: _Finder) -> None:
        super().__init__(name)
        self.finder = finder

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return _Name(self, name).deferred_value()
        if name.startswith("__"):
            raise AttributeError(name)
        return _Name(self, name)


class _Name:
    """What a module has by a name: a function, a class or a value. The first use of it imports the module."""

    def __init__(self, module: _StandIn, name: str) -> None:
        self.deferred_module, self.deferred_name = module, name

    def deferred_value(self) -> Any:
        self.deferred_module.finder.close()  # already, if it is used while others are still being imported
        return getattr(importlib.import_module(self.deferred_module.__name__), self.deferred_name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.deferred_value(), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.deferred_value()(*args, **kwargs)

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.deferred_value(),)

    def __instancecheck__(self, instance: Any) -> bool:
        return isinstance(instance, self.deferred_value())

    def __subclasscheck__(self, subclass: type) -> bool:
        return issubclass(subclass, self.deferred_value())
