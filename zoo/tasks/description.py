"""What notebooks show of a network."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

from zoo.support.console import listed
from zoo.support.html import as_table

if TYPE_CHECKING:
    from zoo.tasks.task import Task


def as_html(model: Task) -> str:
    """Return a short description of a network: its layers, its size, and how it is trained."""
    layers = {name: layer for name, layer in model.named_children() if any(True for _ in layer.parameters())}
    own = {name: f"parameter of shape {tuple(value.shape)}" for name, value in model.named_parameters(recurse=False)}
    example = model.example_input_array
    return as_table(
        type(model).__name__,
        {
            **({"input": f"{model.takes}, {tuple(example.shape[1:])}"} if isinstance(example, Tensor) else {}),
            **{name: _one_line(layer) for name, layer in layers.items()},
            **own,
            "output": model.output + (f" of {listed(model.classes)}" if model.classes else ""),
            "parameters": f"{sum(value.numel() for value in model.parameters()):,}",
            "training": f"{model.loss_name}, {model.optimizer}, lr {model.lr:g}",
        },
    )


def _one_line(layer: nn.Module) -> str:
    return " ".join(repr(layer).split())
