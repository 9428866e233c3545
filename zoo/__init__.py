"""The Lightning model zoo: the networks everyone learns PyTorch with, from the notebook to the cluster.

Importing it, or listing it, imports neither torch nor lightning.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.registry import create_datamodule, create_model, list_datamodules, list_models

if TYPE_CHECKING:
    from zoo import datamodules, models
    from zoo.checkpoint import load_model
    from zoo.gradients import gradcheck

__version__ = "0.1.0"

__all__ = [
    "ZooError",
    "__version__",
    "create_datamodule",
    "create_model",
    "datamodules",
    "gradcheck",
    "list_datamodules",
    "list_models",
    "load_model",
    "models",
]


def __getattr__(name: str) -> Any:
    if name == "load_model":
        return import_module("zoo.checkpoint").load_model
    if name == "gradcheck":
        return import_module("zoo.gradients").gradcheck
    if name in ("models", "datamodules"):
        return import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
