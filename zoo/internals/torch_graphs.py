"""Torch: forward and backward of a training step as one graph, instead of one call for each operation."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

Batch = Sequence[Tensor]
Step = Callable[[Batch], tuple[Tensor, ...]]
"""Sets the gradients, and returns the results of a batch."""

MOST_SHAPES = 4
"""Shapes of batches that are compiled; those of texts, say, may all be different."""

WARM_UP_STEPS = 3
"""Steps of a shape of batches that are run one operation at a time before a GPU records one."""


class CompiledStep:
    """Forward and backward of a network. Sets the gradients, and returns the results.

    On CUDA, the GPU records the operations of a step, and replays them (a CUDA graph), to the same bits. Elsewhere they
    are traced, and torch's compiler fuses them: equal up to rounding. Each shape of batches has a graph of its own.
    Numbers that are no tensors, such as a dropout probability, are those of the first step.

    Args:
        network: The network.
        losses: Name of its method that returns what is minimized, and further results, for a batch. It is not called in
            each step, so it may do nothing else.

    Attributes:
        seconds: What compiling took.
        reason: Why a shape of batches runs one operation at a time; empty if none does.
    """

    def __init__(self, network: nn.Module, losses: str) -> None:
        self.network, self.losses = network, losses
        self.parameters = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self.steps: dict[Any, Step] = {}
        self.seen: dict[Any, int] = {}
        self.seconds, self.reason = 0.0, ""
        self.addresses = addresses(network)

    def fits(self, network: nn.Module) -> bool:
        """Return whether this is the network, and the same parameters are trained, in the same memory."""
        return network is self.network and addresses(network) == self.addresses

    def __call__(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the results of a batch, detached; ``grad`` of each parameter is set."""
        key = tuple((part.shape, part.dtype) for part in batch)
        if not (step := self.steps.get(key)):
            self.seen[key] = self.seen.get(key, 0) + 1
            if batch[0].is_cuda and self.seen[key] <= WARM_UP_STEPS:
                return self.run(batch)
            step = self.steps[key] = self.compile(batch) if len(self.steps) < MOST_SHAPES else self.run
        return step(batch)

    def compile(self, batch: Batch) -> Step:
        """Return the step for batches of this shape."""
        started = time.perf_counter()
        with torch.random.fork_rng():  # the step itself draws the numbers of an uncompiled one
            try:
                check_hooks(self.network)
                return record_on_gpu(self, batch) if batch[0].is_cuda else fuse(self, batch)
            except Exception as error:  # whatever a compiler raises
                self.reason = f"{type(error).__name__}: {error}"
                return self.run
            finally:
                self.seconds += time.perf_counter() - started

    def run(self, batch: Batch) -> tuple[Tensor, ...]:
        """Compute the results and the gradients, one operation at a time."""
        for parameter in self.parameters.values():
            parameter.grad = None
        results = getattr(self.network, self.losses)(batch)
        results[0].backward()
        return tuple(result.detach() for result in results)


def addresses(network: nn.Module) -> dict[str, int]:
    """Return where the trained parameters of a network are."""
    return {name: p.data_ptr() for name, p in network.named_parameters() if p.requires_grad}


def check_hooks(network: nn.Module) -> None:
    """Raise TypeError if a network has hooks, which a graph would not call."""
    of_modules = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    of_parameters = ("_backward_hooks", "_post_accumulate_grad_hooks")
    hooks = [getattr(module, kind) for module in network.modules() for kind in of_modules]
    hooks += [getattr(parameter, kind) for parameter in network.parameters() for kind in of_parameters]
    if any(hooks):
        raise TypeError("the network has hooks, which a graph would not call")


def record_on_gpu(step: CompiledStep, batch: Batch) -> Step:
    """Return a step for batches of this shape, as a CUDA graph."""
    parameters = list(step.parameters.values())
    inputs = [part.clone() for part in batch]
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # another thread may pin memory meanwhile
        results = step.run(inputs)
    gradients = [parameter.grad for parameter in parameters]
    distinct = {result.data_ptr(): result for result in results}  # what is minimized may be the recorded loss itself

    def replay(batch: Batch) -> tuple[Tensor, ...]:
        torch._foreach_copy_(inputs, list(batch))
        graph.replay()
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = gradient
        mine = {place: result.clone() for place, result in distinct.items()}  # the next replay overwrites them
        return tuple(mine[result.data_ptr()] for result in results)

    return replay


class Forward(nn.Module):
    """A network whose ``forward`` computes the loss."""

    def __init__(self, network: nn.Module, losses: str) -> None:
        super().__init__()
        self.network, self.losses = network, losses

    def forward(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the results."""
        results: tuple[Tensor, ...] = getattr(self.network, self.losses)(batch)
        return results


def fuse(step: CompiledStep, batch: Batch) -> Step:
    """Return a step for batches of this shape, traced and fused by torch's compiler."""
    if any(isinstance(module, nn.LSTM | nn.GRU) for module in step.network.modules()):
        raise TypeError("torch's compiler does not know the backward of nn.LSTM and nn.GRU on a CPU")
    parameters = step.parameters
    wrapped = Forward(step.network, step.losses)

    def forward_and_backward(*given: Tensor) -> tuple[Tensor, ...]:
        values = dict(zip((f"network.{name}" for name in parameters), given, strict=False))
        results = functional_call(wrapped, values, (given[len(parameters) :],))
        gradients = torch.autograd.grad(results[0], list(values.values()))
        return (*gradients, *(result.detach() for result in results))

    def inputs(batch: Batch) -> list[Tensor]:
        return [*parameters.values(), *batch]

    leaves = [value.detach().requires_grad_(value.is_floating_point()) for value in parameters.values()]
    buffers = [(buffer, buffer.clone()) for buffer in step.network.buffers()]
    try:
        traced = make_fx(forward_and_backward)(*leaves, *batch)
        with torch.random.fork_rng():
            own = forward_and_backward(*leaves, *batch)
        with torch.no_grad(), quiet(), torch._inductor.config.patch(fallback_random=True):  # torch's own dropout
            compiled: Any = torch._inductor.compile(traced, inputs(batch))  # type: ignore[arg-type]  # it takes tensors
            found = compiled(*inputs(batch))
    finally:  # running statistics have seen the batch several times
        for buffer, before in buffers:
            buffer.copy_(before)
    if not all(torch.allclose(one, other, rtol=1e-3, atol=1e-5) for one, other in zip(own, found, strict=True)):
        raise ArithmeticError("the compiled step gives other results")

    def run(batch: Batch) -> tuple[Tensor, ...]:
        with torch.no_grad():
            found = compiled(*inputs(batch))
        for parameter, gradient in zip(parameters.values(), found, strict=False):
            parameter.grad = gradient
        return tuple(found[len(parameters) :])

    return run


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
