"""Are a network's gradients right?"""

from __future__ import annotations

import copy

import torch
from torch import Tensor

from zoo.tasks import Task
from zoo.tasks.example_inputs import random_inputs


def gradcheck(model: Task, x: Tensor | None = None) -> bool:
    """Compare a network's gradients by all its parameters with finite differences, in double precision.

    Single precision would fail: the differences, not the gradients, are too coarse in it.

    Args:
        model: The network; it stays as it is. Dropout is off in the check.
        x: A batch to check on; by default two random inputs of the documented shape.

    Returns:
        True.

    Raises:
        torch.autograd.gradcheck.GradcheckError: They differ; it says where and by how much.
    """
    double = copy.deepcopy(model).double().eval()
    x = random_inputs(model, 2) if x is None else x
    x = x.double() if x.is_floating_point() else x
    names, parameters = zip(*double.named_parameters(), strict=True)

    def forward(*values: Tensor) -> Tensor:
        return torch.func.functional_call(double, dict(zip(names, values, strict=True)), (x,))

    return torch.autograd.gradcheck(forward, parameters, fast_mode=True)
