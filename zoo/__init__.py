"""The Lightning model zoo: networks from PyTorch tutorials, from the notebook to the cluster.

Neither importing nor listing it imports torch or lightning.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.factory import create_datamodule
from zoo.registry import list_datamodules, list_models
from zoo.support.moved import keep_old_names
from zoo.support.version import __version__
from zoo.weights import create_model

if TYPE_CHECKING:
    from zoo import datamodules, models
    from zoo.checkpoints.reading import load_model
    from zoo.reports.plots import plot_curves, plot_predictions
    from zoo.reports.run_results import read_results
    from zoo.tasks import Prediction
    from zoo.tasks.gradients import gradcheck
    from zoo.weights import WeightsRecord, list_weights, weights_record

keep_old_names()

_LAZY = {
    "Prediction": "zoo.tasks",
    "WeightsRecord": "zoo.weights",
    "gradcheck": "zoo.tasks.gradients",
    "list_weights": "zoo.weights",
    "load_model": "zoo.checkpoints.reading",
    "plot_curves": "zoo.reports.plots",
    "plot_predictions": "zoo.reports.plots",
    "read_results": "zoo.reports.run_results",
    "weights_record": "zoo.weights",
}

__all__ = [
    "Prediction",
    "WeightsRecord",
    "ZooError",
    "__version__",
    "create_datamodule",
    "create_model",
    "datamodules",
    "gradcheck",
    "list_datamodules",
    "list_models",
    "list_weights",
    "load_model",
    "models",
    "plot_curves",
    "plot_predictions",
    "read_results",
    "weights_record",
]


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    if name in ("models", "datamodules", "hub"):
        return import_module(f"zoo.{name}")
    raise AttributeError(f"module 'zoo' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
