"""Data sets, one file each. A data module is imported when its name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.factory import load_class
from zoo.registry import DATAMODULES

if TYPE_CHECKING:
    from zoo.datamodules.celeba import CelebA
    from zoo.datamodules.cifar10 import CIFAR10
    from zoo.datamodules.custom_function import CustomFunctionData
    from zoo.datamodules.digits import Digits
    from zoo.datamodules.fashion_mnist import FashionMNIST
    from zoo.datamodules.imdb import IMDB
    from zoo.datamodules.mnist import MNIST
    from zoo.datamodules.quadratic import Quadratic
    from zoo.datamodules.xor import XORData

__all__ = ["CIFAR10", "IMDB", "MNIST", "CelebA", "CustomFunctionData", "Digits", "FashionMNIST", "Quadratic", "XORData"]


def __getattr__(name: str) -> Any:
    return load_class(name, DATAMODULES, __name__)


def __dir__() -> list[str]:
    return __all__
