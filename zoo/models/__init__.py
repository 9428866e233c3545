"""Networks, one file each. A network is imported when its name is first used.

Their names follow from the registry. Editors and type checkers read ``__init__.pyi``, which ``scripts/stubs.py``
writes.
"""

from __future__ import annotations

from typing import Any

from zoo.factory import load_class
from zoo.registry import MODELS

__all__ = sorted(row.path.partition(":")[2] for row in MODELS.values())


def __getattr__(name: str) -> Any:
    return load_class(name, MODELS, __name__)


def __dir__() -> list[str]:
    return __all__
