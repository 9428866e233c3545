"""Torch: whole training steps as one graph, whose operations its compiler fuses."""

from __future__ import annotations

import copy
import inspect
import random
from collections import defaultdict
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.optim import Optimizer

from zoo.internals.torch_compiler import Losses, as_tensor, compile_steps, compiling, settings, unchanged
from zoo.internals.torch_graphs import Batch, Graphs, forked_random, shapes

CHANGING = "the optimizer has settings other than the rate that change from step to step"


class Done(NamedTuple):
    """A batch after its step.

    Attributes:
        finite: Whether the loss and the gradients are finite. If not, this step and those after it changed nothing.
        results: What the network's ``losses`` returned, detached.
        target: The targets, as prepared.
    """

    finite: bool
    results: Sequence[Tensor]
    target: Tensor


class FusedSteps(Graphs):
    """Training steps on a CPU: inputs, forward, loss, backward, clipping and update, traced and fused by torch.

    Weights are those of uncompiled steps up to rounding. Each number and shape of batches has a graph of its own.
    Numbers that are no tensors, such as a dropout probability, are those of the time when a graph was made; see
    :meth:`fits`.

    Args:
        network: The network.
        losses: Name of its method that returns what is minimized, and further results, for a batch.
        optimizer: An optimizer of torch, which has made a step already.
        prepare: Returns the inputs and targets of the network for a stored batch; the same way for each batch.
        clip: Clips the gradients of an optimizer's parameters, in place.
        around: A context for the forward pass, such as autocast.
        accumulated: Batches of an optimizer step.

    Attributes:
        draws: Whether a step draws random numbers, such as those of dropout; None before :meth:`look`.
    """

    def __init__(
        self,
        network: nn.Module,
        losses: str,
        optimizer: Optimizer,
        *,
        prepare: Callable[[Batch], Batch] = lambda batch: batch,
        clip: Callable[[Optimizer], Any] | None = None,
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
        accumulated: int = 1,
    ) -> None:
        super().__init__(network)
        self.loss, self.optimizer, self.prepare = Losses(network, losses), optimizer, prepare
        self.clip, self.around, self.accumulated = clip, around, accumulated
        self.draws: bool | None = None
        self.buffers = list(network.buffers())
        self.settings = settings(optimizer)
        used = {id(p) for group in optimizer.param_groups for p in group["params"]}
        trained = {f"network.{name}": p for name, p in network.named_parameters() if p.requires_grad and id(p) in used}
        self.names, self.parameters = list(trained), list(trained.values())

    @property
    def alone(self) -> bool:
        """Whether a graph has one step only, since each draws random numbers, or changes running statistics."""
        return self.draws is not False or len(self.buffers) > 0

    def look(self, batch: Batch) -> None:
        """Find out whether a step draws random numbers. If so, and a step has several batches, it is not compiled."""
        if not isinstance(batch, tuple | list) or not all(isinstance(part, Tensor) for part in batch):
            self.draws, self.reason = False, "a batch is not a tuple of tensors"
            return
        before, before_in_python = torch.get_rng_state(), random.getstate()
        with forked_random(), unchanged(self.buffers), torch.no_grad(), self.around():
            self.loss(self.prepare(batch))
            self.draws = not torch.equal(before, torch.get_rng_state())
            if random.getstate() != before_in_python:
                self.reason = "the network draws numbers from Python's random"
        if self.draws and self.accumulated > 1:
            self.reason = "each batch of an accumulated step has random numbers of its own, as for dropout"

    def fits(self, network: nn.Module) -> bool:
        """Return whether nothing has changed that is a constant of the graphs."""
        return super().fits(network) and (self.reason == CHANGING or settings(self.optimizer) == self.settings)

    def __call__(self, batches: Sequence[Batch]) -> list[Done] | None:
        """Train on stored batches; their number is a multiple of ``accumulated``.

        Returns:
            Each batch after its step; None if they cannot be compiled, and nothing was done.
        """
        if settings(self.optimizer) != self.settings:
            self.reason = CHANGING
            return None
        run = self.find(tuple(map(shapes, batches)), lambda: self.compile(batches))
        return run(batches) if run else None

    def compile(self, batches: Sequence[Batch]) -> Callable[[Sequence[Batch]], list[Done]]:
        """Return the graph for as many batches of these shapes."""
        if any(isinstance(module, nn.LSTM | nn.GRU) for module in self.network.modules()):
            raise TypeError("torch's compiler does not know the backward of nn.LSTM and nn.GRU on a CPU")
        slots = [(p, name) for p in self.parameters for name in self.optimizer.state.get(p, {})]
        ends, size = [len(self.parameters), len(self.parameters) + len(slots)], len(batches[0])
        ends.append(ends[1] + len(self.optimizer.param_groups))

        def steps(*given: Tensor) -> tuple[Tensor, ...]:
            values, states, rates, parts = (list(given[i:j]) for i, j in zip([0, *ends], [*ends, None], strict=True))
            finite, flags, results = torch.tensor(True), [], []
            for first in range(0, len(parts), size * self.accumulated):
                group = [parts[i : i + size] for i in range(first, first + size * self.accumulated, size)]
                gradients, found = self.gradients(values, group)
                sums = [*(gradient.sum() for gradient in gradients), *(one[0] for one in found)]
                finite = finite & torch.isfinite(torch.stack(sums).sum())
                changed = [tensor.clone() for tensor in (*values, *states)]
                self.update(changed, slots, rates, gradients)
                for old, new in zip((*values, *states), changed, strict=True):
                    old.copy_(torch.where(finite, new, old))
                flags.append(finite)
                results += [tensor for one in found for tensor in one]
            return torch.stack(flags), *results

        def inputs(batches: Sequence[Batch]) -> list[Tensor]:
            states = [self.optimizer.state[p][name] for p, name in slots]
            rates = [as_tensor(float(group["lr"]), self.parameters[0].dtype) for group in self.optimizer.param_groups]
            return [*(p.detach() for p in self.parameters), *states, *rates, *(part for b in batches for part in b)]

        with unchanged(self.buffers):
            compiled = compile_steps(steps, inputs(batches), updated=len(self.parameters))

        def run(batches: Sequence[Batch]) -> list[Done]:
            state = torch.get_rng_state() if self.draws else None
            buffers = [(buffer, buffer.clone()) for buffer in self.buffers]
            with torch.no_grad():
                flags, *results = compiled(*inputs(batches))
            finite, width = flags.tolist(), len(results) // len(batches)
            if not finite[-1]:  # the step will be made again
                for buffer, before in buffers:
                    buffer.copy_(before)
                if state is not None:
                    torch.set_rng_state(state)
            found = [results[i : i + width] for i in range(0, len(results), width)]
            return [Done(finite[i // self.accumulated], one[:-1], one[-1]) for i, one in enumerate(found)]

        return run

    def gradients(self, values: list[Tensor], batches: list[list[Tensor]]) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Return the gradients of an optimizer step, and the results of each of its batches."""
        totals: list[Tensor] = []
        found = []
        for batch in batches:
            leaves = [value.detach().requires_grad_() for value in values]
            prepared = self.prepare(batch)
            with self.around():
                results = functional_call(self.loss, dict(zip(self.names, leaves, strict=True)), (prepared,))
            minimized = results[0] / self.accumulated if self.accumulated > 1 else results[0]
            gradients = torch.autograd.grad(minimized, leaves)
            totals = [a + b for a, b in zip(totals, gradients, strict=True)] if totals else list(gradients)
            found.append([*(result.detach() for result in results), prepared[1]])
        return totals, found

    def update(self, changed: list[Tensor], slots: Any, rates: list[Tensor], gradients: list[Tensor]) -> None:
        """Make the optimizer's step on values and states, in place, as its own ``step`` would."""
        stand_ins = dict(zip(map(id, self.parameters), changed, strict=False))
        shadow = copy.copy(self.optimizer)  # its groups and states are replaced
        shadow.param_groups = [
            {
                **group,
                "params": [stand_ins[id(p)] for p in group["params"] if id(p) in stand_ins],
                "lr": learning_rate,
                "foreach": True,
                "fused": None,
                **({"capturable": True} if "capturable" in group else {}),
            }
            for group, learning_rate in zip(self.optimizer.param_groups, rates, strict=True)
        ]
        shadow.state = defaultdict(dict)
        for (parameter, name), state in zip(slots, changed[len(self.parameters) :], strict=True):
            shadow.state[stand_ins[id(parameter)]][name] = state
        for stand_in, gradient in zip(stand_ins.values(), gradients, strict=True):
            stand_in.grad = gradient
        if self.clip:
            self.clip(shadow)
        with torch.no_grad(), compiling():  # so that rates and counts of steps are no constants
            inspect.unwrap(type(shadow).step)(shadow)
