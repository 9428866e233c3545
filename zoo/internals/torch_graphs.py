"""Torch: forward and backward of a training step as a CUDA graph, instead of one call for each operation."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

Batch = Sequence[Tensor]

MOST_GRAPHS = 4
"""Graphs of a network, which has one for each shape of batches; those of texts, say, may all be different."""

WARM_UP_STEPS = 3
"""Steps of a shape of batches that are run one operation at a time before a GPU records one."""


class Graphs:
    """The graphs of a network's steps.

    Attributes:
        seconds: What compiling took.
        reason: Why some steps run one operation at a time; empty if none does.
    """

    def __init__(self, network: nn.Module) -> None:
        self.network = network
        self.addresses, self.constants = addresses(network), constants(network)
        self.graphs: dict[Any, Callable[..., Any] | None] = {}
        self.seconds, self.reason = 0.0, ""

    def fits(self, network: nn.Module) -> bool:
        """Return whether this is the network, and neither its trained parameters nor its constants have changed."""
        same = network is self.network and addresses(network) == self.addresses
        return same and constants(network) == self.constants

    def find(self, key: Any, compile_: Callable[[], Callable[..., Any]]) -> Callable[..., Any] | None:
        """Return the graph for a key, which is compiled if it is new; None if that is not possible."""
        if key in self.graphs:
            return self.graphs[key]
        if len(self.graphs) == MOST_GRAPHS:
            self.reason = self.reason or "batches have too many shapes"
            return None
        started = time.perf_counter()
        try:
            with forked_random():  # the step itself draws the numbers of an uncompiled one
                check_hooks(self.network)
                self.graphs[key] = compile_()
        except Exception as error:  # whatever a compiler raises
            self.graphs[key], self.reason = None, f"{type(error).__name__}: {error}"
        self.seconds += time.perf_counter() - started
        return self.graphs[key]


class RecordedStep(Graphs):
    """Forward and backward of a network on a GPU, which records the operations once, and replays them to the same bits.

    Each shape of batches has a graph of its own. Numbers that are no tensors, such as a dropout probability, are those
    of the time when it was made; see :meth:`fits`.

    Args:
        network: The network.
        losses: Name of its method that returns what is minimized, and further results, for a batch. It is not called in
            each step, so it may do nothing else.
    """

    def __init__(self, network: nn.Module, losses: str) -> None:
        super().__init__(network)
        self.losses = losses
        self.parameters = [p for p in network.parameters() if p.requires_grad]
        self.seen: dict[Any, int] = {}

    def __call__(self, batch: Batch) -> tuple[Tensor, ...]:
        """Return the results of a batch, detached; ``grad`` of each parameter is set."""
        key = shapes(batch)
        self.seen[key] = self.seen.get(key, 0) + 1
        if self.seen[key] <= WARM_UP_STEPS:
            return self.run(batch)
        return (self.find(key, lambda: self.record(batch)) or self.run)(batch)

    def run(self, batch: Batch) -> tuple[Tensor, ...]:
        """Compute the results and the gradients, one operation at a time."""
        for parameter in self.parameters:
            parameter.grad = None
        results = getattr(self.network, self.losses)(batch)
        results[0].backward()
        return tuple(result.detach() for result in results)

    def record(self, batch: Batch) -> Callable[[Batch], tuple[Tensor, ...]]:
        """Return a CUDA graph for batches of this shape."""
        inputs = [part.clone() for part in batch]
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # another thread may pin memory meanwhile
            results = self.run(inputs)
        gradients = [parameter.grad for parameter in self.parameters]
        distinct = {
            result.data_ptr(): result for result in results
        }  # what is minimized may be the recorded loss itself

        def replay(batch: Batch) -> tuple[Tensor, ...]:
            torch._foreach_copy_(inputs, list(batch))
            graph.replay()
            for parameter, gradient in zip(self.parameters, gradients, strict=True):
                parameter.grad = gradient
            mine = {place: result.clone() for place, result in distinct.items()}  # the next replay overwrites them
            return tuple(mine[result.data_ptr()] for result in results)

        return replay


def addresses(network: nn.Module) -> dict[str, int]:
    """Return where the trained parameters of a network are."""
    return {name: p.data_ptr() for name, p in network.named_parameters() if p.requires_grad}


def constants(network: nn.Module) -> dict[tuple[str, str], Any]:
    """Return the modes and the plain numbers of a network and its layers, such as the probability of a dropout."""
    found: dict[tuple[str, str], Any] = {}
    for name, module in network.named_modules():
        # Of flags of the network itself some change in each epoch, such as whether its metrics are logged.
        plain = (int, float, str) if name else (int, float)
        for key, value in vars(module).items():
            is_flag = isinstance(value, bool) and not name and key != "training"
            if isinstance(value, plain) and not key.startswith("_") and not is_flag:
                found[name, key] = value
    return found


def shapes(batch: Batch) -> tuple[Any, ...]:
    """Return the shape, the order in memory and the type of each tensor of a batch."""
    return tuple((part.shape, part.stride(), part.dtype) for part in batch)


@contextlib.contextmanager
def forked_random() -> Iterator[None]:
    """Restore torch's and Python's random generators in the end."""
    state = random.getstate()
    try:
        with torch.random.fork_rng():
            yield
    finally:
        random.setstate(state)


def check_hooks(network: nn.Module) -> None:
    """Raise TypeError if a network has hooks, which a graph would not call."""
    of_modules = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
    of_parameters = ("_backward_hooks", "_post_accumulate_grad_hooks")
    hooks = [getattr(module, kind) for module in network.modules() for kind in of_modules]
    hooks += [getattr(parameter, kind) for parameter in network.parameters() for kind in of_parameters]
    if any(hooks):
        raise TypeError("the network has hooks, which a graph would not call")
