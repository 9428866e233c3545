"""Base classes of data modules, loaders, and helpers for reading files."""

from zoo.datamodules.common.base import DataModule, DataUnavailableError
from zoo.datamodules.common.folds import ValSize
from zoo.datamodules.common.images import ImageDataModule
from zoo.datamodules.common.in_memory import InMemory
from zoo.datamodules.common.tables import TableDataModule

__all__ = ["DataModule", "DataUnavailableError", "ImageDataModule", "InMemory", "TableDataModule", "ValSize"]
