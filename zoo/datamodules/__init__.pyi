# Written by scripts/stubs.py from zoo/registry.py.

from zoo.datamodules.arrays import Arrays
from zoo.datamodules.celeba import CelebA
from zoo.datamodules.cifar10 import CIFAR10
from zoo.datamodules.csv import CSV
from zoo.datamodules.custom_function import CustomFunctionData
from zoo.datamodules.digits import Digits
from zoo.datamodules.fashion_mnist import FashionMNIST
from zoo.datamodules.folder import Folder
from zoo.datamodules.imdb import IMDB
from zoo.datamodules.mnist import MNIST
from zoo.datamodules.own_texts import OwnTexts
from zoo.datamodules.quadratic import Quadratic
from zoo.datamodules.wrapped import Wrapped
from zoo.datamodules.xor import XORData

__all__ = [
    "Arrays",
    "CIFAR10",
    "CSV",
    "CelebA",
    "CustomFunctionData",
    "Digits",
    "FashionMNIST",
    "Folder",
    "IMDB",
    "MNIST",
    "OwnTexts",
    "Quadratic",
    "Wrapped",
    "XORData",
]
