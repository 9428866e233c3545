"""What the zoo uses of torch beyond its public interface."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from zoo.internals.torch import all_finite, evaluating


def test_a_network_in_evaluation_mode_shares_parameters_and_leaves_the_mode_alone() -> None:
    network = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5), nn.BatchNorm1d(2)))
    network[0].eval()
    before = {name: module.training for name, module in network.named_modules()}
    other = evaluating(network)
    assert not any(module.training for module in other.modules())
    assert {name: module.training for name, module in network.named_modules()} == before
    assert all(a is b for a, b in zip(network.parameters(), other.parameters(), strict=True))
    assert all(a is b for a, b in zip(network.buffers(), other.buffers(), strict=True))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 3e38, 0.0])
def test_what_is_not_finite_is_found_and_forgotten(value: float) -> None:
    gradients = [torch.ones(3), torch.tensor([[1.0, value]])]
    assert all_finite(gradients) == (value in (3e38, 0.0))
    assert torch.equal(gradients[0], torch.ones(3))
    assert torch.equal(gradients[1].nan_to_num(7, 8, 9), torch.tensor([[1.0, value]]).nan_to_num(7, 8, 9))
    assert all_finite([torch.ones(3)])
