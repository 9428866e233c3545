"""A network in evaluation mode beside the same network in training."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def evaluating(network: Network) -> Network:
    """Return a network in evaluation mode that shares its parameters with this one, whose mode is left alone.

    Other threads may train with this one, or predict, at the same time.
    """
    other = copy.copy(network)
    other._modules = {name: module and evaluating(module) for name, module in network._modules.items()}
    other.training = False
    return other
