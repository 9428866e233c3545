"""A warm-up of the learning rate, before and together with any other schedule."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau


class WarmUp(LRScheduler):
    """Raises the learning rates linearly from almost zero to what they would be without it, step by step.

    Step n of the optimizer is taken at n / ``steps`` of the rates. Another scheduler may set these: it steps while this
    one is suspended.

    Args:
        optimizer: The optimizer.
        steps: Number of optimizer steps until the rates are reached.
    """

    def __init__(self, optimizer: Optimizer, steps: int) -> None:
        self.steps, self.full_rates = steps, [group["lr"] for group in optimizer.param_groups]
        super().__init__(optimizer)

    def get_lr(self) -> list[float | Tensor]:
        """Return the rates of the next step."""
        return [rate * min(1.0, (self.last_epoch + 1) / self.steps) for rate in self.full_rates]

    @contextlib.contextmanager
    def suspended(self) -> Iterator[None]:
        """Let another scheduler change the rates."""
        groups = self.optimizer.param_groups
        for group, rate in zip(groups, self.full_rates, strict=True):
            group["lr"] = rate
        yield
        self.full_rates = [group["lr"] for group in groups]
        for group, rate in zip(groups, self.get_lr(), strict=True):
            group["lr"] = rate


def without_warm_up(schedulers: Any, stepped: Any) -> contextlib.AbstractContextManager[None]:
    """Return a context in which a scheduler can step: it suspends the warm-up, if there is one beside it.

    Args:
        schedulers: All of a network, as its ``lr_schedulers()`` returns them.
        stepped: The scheduler that is to step.
    """
    others = [one for one in _as_list(schedulers) if isinstance(one, WarmUp) and one is not stepped]
    return others[0].suspended() if others else contextlib.nullcontext()


def step_plateau(schedulers: Any, metrics: Mapping[str, Any]) -> None:
    """Step ReduceLROnPlateau by ``val/loss``, if it is among the schedulers of a network.

    Args:
        schedulers: As ``lr_schedulers()`` of the network returns them.
        metrics: The metrics of the epoch.
    """
    for scheduler in _as_list(schedulers):
        if isinstance(scheduler, ReduceLROnPlateau):
            with without_warm_up(schedulers, scheduler):
                scheduler.step(metrics["val/loss"])


def _as_list(schedulers: Any) -> list[Any]:
    return schedulers if isinstance(schedulers, list) else [schedulers]
