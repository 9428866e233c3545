"""Torch: its compiler, for functions that are traced operation by operation."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx
from torch.optim import Optimizer

OPTIONS = {
    "fallback_random": True,  # torch's own random numbers, for dropout
    "emulate_precision_casts": True,  # rounds where uncompiled steps do
    "size_asserts": False,  # a graph is for batches of one shape, and each call would check it again
}
"""Of torch's compiler."""

FEW_OUTPUTS = 50
"""Outputs up to which a product is computed in the other order. Measured for batches of 64 on one thread."""


class Losses(nn.Module):
    """A network whose ``forward`` computes the losses."""

    def __init__(self, network: nn.Module, losses: str) -> None:
        super().__init__()
        self.network, self.losses = network, losses

    def forward(self, batch: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the results."""
        results: tuple[Tensor, ...] = getattr(self.network, self.losses)(batch)
        return results


def compile_steps(steps: Callable[..., Any], example: list[Tensor], updated: int) -> Callable[..., Any]:
    """Return training steps, traced and compiled, and compared with the uncompiled ones.

    Args:
        steps: A function of tensors, some of which it changes, that returns further ones.
        example: Tensors for it, which stay as they are.
        updated: How many of them, the first ones, are parameters.

    Raises:
        ArithmeticError: The compiled steps give other results. Torch's compiler raises other errors.
    """
    own, fused = ([tensor.clone() for tensor in example] for _ in range(2))
    traced = make_fx(steps)(*(tensor.clone() for tensor in example))
    swap_small_products(traced)
    with torch.random.fork_rng():
        own += steps(*own)
    with torch.no_grad(), quiet(), torch._inductor.config.patch(OPTIONS):
        compiled: Any = torch._inductor.compile(traced, example)  # type: ignore[arg-type]  # it takes tensors
        fused += compiled(*fused)
    is_half = any(has_half_precision(node.meta.get("val")) for node in traced.graph.nodes)
    tolerance = {"rtol": 2e-2, "atol": 2e-3} if is_half else {"rtol": 1e-3, "atol": 1e-5}
    others = zip(own[updated:], fused[updated:], strict=True)
    near = [torch.isclose(a.float(), b.float(), **tolerance, equal_nan=True).all() for a, b in others]
    if not all(near) or not same_moves(*(part[:updated] for part in (example, own, fused))):
        raise ArithmeticError("the compiled steps give other results")
    return compiled


def same_moves(before: list[Tensor], own: list[Tensor], fused: list[Tensor]) -> bool:
    """Return whether two steps moved most parameters alike.

    Not all: where a gradient is zero but for rounding, as of a bias before a normalization, Adam's update is noise.
    """
    start, one, other = (
        torch.cat([part.detach().flatten().double() for part in parts]) for parts in (before, own, fused)
    )
    one, other = one - start, other - start
    moved = one.abs() > max(1e-3 * one.abs().max(), 1e-6 * start.abs().max())  # further than by rounding
    agree = torch.isclose(one[moved], other[moved], rtol=0.1, equal_nan=True)
    return not moved.any() or agree.double().mean().item() > 0.5


def swap_small_products(traced: GraphModule) -> None:
    """Compute ``x @ weight.T`` as ``(weight @ x.T).T`` for few outputs, which took MKL half of the time."""
    aten = torch.ops.aten
    # Memory stays in the usual order, in which random numbers are drawn for it.
    usual: dict[str, Any] = {"memory_format": torch.contiguous_format}
    for node in traced.graph.find_nodes(op="call_function", target=aten.addmm.default):
        bias, x, transposed = node.args
        if transposed.target is not aten.t.default or node.kwargs or node.meta["val"].shape[1] > FEW_OUTPUTS:
            continue
        with traced.graph.inserting_before(node):
            x = traced.graph.call_function(aten.t.default, (x,))
            product = traced.graph.call_function(aten.mm.default, (transposed.args[0], x))
            product = traced.graph.call_function(aten.t.default, (product,))
            total = traced.graph.call_function(aten.add.Tensor, (product, bias))
            node.replace_all_uses_with(traced.graph.call_function(aten.clone.default, (total,), usual))
        traced.graph.erase_node(node)
    traced.recompile()


def has_half_precision(value: Any) -> bool:
    """Return whether a value is a tensor of half precision."""
    return isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)


def settings(optimizer: Optimizer) -> list[Any]:
    """Return the numbers and flags of an optimizer that are constants of a graph."""
    return [v for group in optimizer.param_groups for k, v in group.items() if k not in ("params", "lr")]


@lru_cache(maxsize=64)
def as_tensor(value: float, dtype: torch.dtype) -> Tensor:
    """Return a learning rate as a tensor, in at least single precision."""
    return torch.tensor(value, dtype=torch.float64 if dtype == torch.float64 else torch.float32)


@contextlib.contextmanager
def compiling() -> Iterator[None]:
    """Let optimizers compute with tensors alone, as if ``torch.compile`` traced them."""
    before = torch.compiler._is_compiling_flag
    torch.compiler._is_compiling_flag = True
    try:
        yield
    finally:
        torch.compiler._is_compiling_flag = before


@contextlib.contextmanager
def unchanged(buffers: Iterable[Tensor]) -> Iterator[None]:
    """Restore buffers in the end, such as running statistics, which see the same batch several times meanwhile."""
    before = [(buffer, buffer.clone()) for buffer in buffers]
    try:
        yield
    finally:
        for buffer, value in before:
            buffer.copy_(value)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Turn off the compiler's warnings, such as that a machine without a GPU has a CUDA toolkit."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
