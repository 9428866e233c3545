"""What the zoo uses of torchmetrics beyond its public interface."""

from __future__ import annotations

import warnings

import torch
from torchmetrics import MeanMetric

from zoo.internals.torchmetrics import restore_state


def test_states_are_restored_and_other_names_ignored() -> None:
    metric = MeanMetric()
    metric.update(3.0)
    state = {"mean_value": torch.tensor(6.0), "weight": torch.tensor(4.0)}
    restore_state(metric, {**state, "compute": torch.ones(1), "_update_count": torch.ones(1)})
    with warnings.catch_warnings(action="error"):  # as compute would warn of a metric without updates
        assert metric.compute() == 1.5
    assert metric._update_count == 1
