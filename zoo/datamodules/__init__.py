"""The data sets, one file each; a data module is imported when its name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.registry import DATAMODULES, load_class

if TYPE_CHECKING:
    from zoo.datamodules.digits import Digits
    from zoo.datamodules.mnist import MNIST

__all__ = ["MNIST", "Digits"]


def __getattr__(name: str) -> Any:
    return load_class(name, DATAMODULES, __name__)


def __dir__() -> list[str]:
    return __all__
