"""Torchmetrics: the state of a metric."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torchmetrics import Metric


def restore_state(metric: Metric, state: Mapping[str, Tensor]) -> None:
    """Set the states of a metric that ``state`` names. Other names are ignored: they would overwrite attributes.

    The public ``load_state_dict`` restores persistent states only, and leaves the count of updates at 0, with which
    ``compute`` would warn that nothing was measured.
    """
    for name in metric.metric_state.keys() & state.keys():
        setattr(metric, name, state[name])
    metric._update_count = 1
