"""What data sets share: the base classes of data modules, loaders, and reading of files."""

from zoo.datamodules.common.base import DataModule, DataUnavailableError, InMemory
from zoo.datamodules.common.images import ImageDataModule
from zoo.datamodules.common.tables import TableDataModule

__all__ = ["DataModule", "DataUnavailableError", "ImageDataModule", "InMemory", "TableDataModule"]
