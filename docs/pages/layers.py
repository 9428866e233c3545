"""The layers of a network: shapes, parameters, operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from zoo.tasks import Task


@dataclass
class Layer:
    """A layer of a network, as an input passes it.

    Attributes:
        name: Its attribute.
        kind: Its class.
        took: Shape of its input, without the batch.
        gave: Shape of its output, without the batch.
        parameters: Number of its parameters.
        flops: Floating-point operations for one input: two for each product with a weight.
    """

    name: str
    kind: str
    took: tuple[int, ...]
    gave: tuple[int, ...]
    parameters: int
    flops: int


WORDS = 100
"""Length of the text that passes networks of texts."""


def example(model: Task) -> Tensor:
    """Return an input of a network."""
    x: Tensor = model.example_input_array
    return x if x.is_floating_point() else x[:, :1].expand(-1, WORDS)


def layers(model: Task) -> list[Layer]:
    """Return the layers of a network in the order in which an input passes them."""
    leaves = [(n, m) for n, m in model.named_modules() if not any(m.children()) and not n.startswith("measure")]
    leaves = [(name, module) for name, module in leaves if name and "Dropout" not in type(module).__name__]
    found: dict[str, Layer] = {}

    def watch(name: str) -> Any:
        def hook(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
            x, y = _tensor(inputs[0]), _tensor(output)
            layer = found.setdefault(name, _layer(name, module, x.shape[1:], y.shape[1:]))
            layer.flops += _flops(module, x.shape[1:], y.shape[1:])

        return hook

    hooks = [module.register_forward_hook(watch(name)) for name, module in leaves]
    with torch.inference_mode():
        model.eval()(example(model))
    for hook in hooks:
        hook.remove()
    in_order = list(found.values())
    for place, (name, module) in enumerate(leaves):
        if name not in found and any(True for _ in module.parameters()):  # its weights are used without calling it
            before = next(i for i, layer in enumerate(in_order) if layer.name in dict(leaves[place:]))
            layer = _layer(name, module, in_order[before - 1].gave, in_order[before].took)
            layer.flops = _flops(module, layer.took, layer.gave)
            in_order.insert(before, layer)
    return in_order


def _layer(name: str, module: nn.Module, took: Sequence[int], gave: Sequence[int]) -> Layer:
    size = sum(p.numel() for p in module.parameters())
    return Layer(name, type(module).__name__, (*took,), (*gave,), size, 0)


def _tensor(value: Any) -> Tensor:
    """Return the tensor of an output with states."""
    while not isinstance(value, Tensor):
        value = value[0]
    return value


def _flops(module: nn.Module, took: Sequence[int], gave: Sequence[int]) -> int:
    """Return the operations of one call: each weight of a matrix is used once in each place or step."""
    weights = sum(p.numel() for p in module.parameters() if p.dim() > 1)
    if isinstance(module, nn.Embedding):
        return 0
    if isinstance(module, nn.Conv2d):
        return 2 * weights * gave[1] * gave[2]
    return 2 * weights * (took[0] if isinstance(module, nn.RNNBase) else 1)
