"""The networks, one file each; a network is imported when its name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.registry import MODELS, load_class

if TYPE_CHECKING:
    from zoo.models.mlp import MLP
    from zoo.models.slp import SLP

__all__ = ["MLP", "SLP"]


def __getattr__(name: str) -> Any:
    return load_class(name, MODELS, __name__)


def __dir__() -> list[str]:
    return __all__
