"""Torch: copies of modules, fast optimizer steps and checks of gradients, and the export of recurrent layers."""

from __future__ import annotations

import contextlib
import copy
import importlib.util
import inspect
import logging
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.optim import SGD, Optimizer
from torch.optim.optimizer import _global_optimizer_post_hooks, _global_optimizer_pre_hooks

NOT_PLAIN = ("momentum", "weight_decay", "maximize", "foreach", "fused", "differentiable")
"""Settings of SGD with which its update is not the gradient times the rate, or not computed in the usual way."""

Network = TypeVar("Network", bound=nn.Module)


def evaluating(network: Network) -> Network:
    """Return a copy of a network in evaluation mode that shares its parameters. The network itself is not changed.

    Other threads may train the given network, or predict with it, at the same time. The public ``deepcopy`` would copy
    the parameters, and ``eval`` would change the mode for everyone.
    """
    other = copy.copy(network)
    other._modules = {name: module and evaluating(module) for name, module in network._modules.items()}
    other.training = False
    return other


@cache
def _found_and_one(device: torch.device) -> tuple[Tensor, Tensor]:
    """Return two numbers on a device; making them in each step would slow down a small network."""
    return torch.zeros(1, device=device), torch.ones(1, device=device)


def all_finite(gradients: list[Tensor]) -> bool:
    """Return whether gradients on a CPU or a GPU, which must not be sparse, are all finite.

    This is what GradScaler uses. Scaled by 1, nothing changes. The public ``isfinite`` and ``sum`` start threads, or
    kernels, for each parameter.
    """
    found, one = _found_and_one(gradients[0].device)
    torch._amp_foreach_non_finite_check_and_unscale_(gradients, found, one)
    finite = found.item() == 0
    found.zero_()
    return finite


def bare_step(optimizer: Optimizer) -> Callable[[], Any]:
    """Return ``optimizer.step`` without what torch wraps it in for a profiler and for hooks, unless there are hooks.

    The wrappers take a third of the update of a small network by SGD; looking up what SGD is to do takes another, so if
    that is no more than to subtract the gradient times the rate, it is done here. A schedule replaces ``step`` to see
    whether it is called, so then it is left as it is.
    """
    hooks = (
        optimizer._optimizer_step_pre_hooks,
        optimizer._optimizer_step_post_hooks,
        _global_optimizer_pre_hooks,
        _global_optimizer_post_hooks,
    )
    if "step" in vars(optimizer) or any(hooks):
        return optimizer.step
    if type(optimizer) is SGD and not any(group[name] for group in optimizer.param_groups for name in NOT_PLAIN):
        return torch.no_grad()(partial(_descend, optimizer.param_groups))
    return torch.no_grad()(partial(inspect.unwrap(type(optimizer).step), optimizer))


def _descend(groups: list[dict[str, Any]]) -> None:
    for group in groups:
        moved = [parameter for parameter in group["params"] if parameter.grad is not None]
        if moved:  # else the group is frozen
            torch._foreach_add_(moved, [parameter.grad for parameter in moved], alpha=-group["lr"])


def exports_loops() -> bool:
    """Return whether this version of torch can export an LSTM as a loop: 2.11 can."""
    return importlib.util.find_spec("torch.export._patches") is not None


@contextlib.contextmanager
def lstm_as_loop() -> Iterator[None]:
    """Export an LSTM as a loop, so that the number of steps stays free.

    By default torch unrolls it for a fixed length. There is no public option for the loop. Torch also caches earlier
    decompositions, so the cache is cleared. Before torch 2.11 it always unrolls; see :func:`exports_loops`.
    """
    if not exports_loops():
        yield
        return
    from torch.export._patches import register_lstm_while_loop_decomposition

    logging.getLogger("torch._export").setLevel(logging.ERROR)  # it warns about unused symbols of the loop
    torch.ops.aten.lstm.input._dispatch_cache.clear()
    with register_lstm_while_loop_decomposition():
        yield
