"""Gradient check."""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from zoo.tasks import Task
from zoo.tasks.example_inputs import random_inputs


def gradcheck(model: Task, x: Tensor | None = None) -> bool:
    """Compare the gradients of all parameters with finite differences, in double precision.

    In single precision, finite differences would be too inaccurate.

    Args:
        model: The network. It is not changed, and is checked in evaluation mode.
        x: A batch of inputs. Default: two random inputs.

    Returns:
        True.

    Raises:
        torch.autograd.gradcheck.GradcheckError: They differ. The message says where and by how much.
    """
    double = copy.deepcopy(model).double().eval()
    x = random_inputs(model, 2) if x is None else x
    x = x.double() if x.is_floating_point() else x
    names, parameters = zip(*double.named_parameters(), strict=True)

    def forward(*values: Tensor) -> Tensor:
        return torch.func.functional_call(double, dict(zip(names, values, strict=True)), (x,))

    return torch.autograd.gradcheck(forward, parameters, fast_mode=True)
