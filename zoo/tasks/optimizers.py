"""Optimizers and learning-rate schedules by name, checked before anything is trained."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from lightning.pytorch.utilities.types import LRSchedulerConfigType
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from zoo.errors import ZooError, suggestion

STEPPED_EACH_BATCH = ("CyclicLR", "OneCycleLR")
"""Schedules whose unit is a batch; the others' is an epoch."""

UNUSABLE = ("SparseAdam", "LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler")
"""Takes sparse gradients alone; take functions or other schedules, which no plain hyperparameter can be."""


def _names(module: Any, base: type, needed: tuple[str, ...]) -> list[str]:
    classes = [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, base) and c is not base]
    names = {c.__name__ for c in classes if set(needed) <= set(inspect.signature(c).parameters)}
    return sorted(name for name in names if not name.startswith("_") and name not in UNUSABLE)


OPTIMIZERS = _names(torch.optim, Optimizer, ("params", "lr"))
"""Every class of torch.optim that takes parameters and a learning rate, and dense gradients."""

LR_SCHEDULERS = _names(torch.optim.lr_scheduler, LRScheduler, ("optimizer",))
"""Every class of torch.optim.lr_scheduler that takes an optimizer and plain arguments."""


def optimizer_class(name: str, arguments: dict[str, Any]) -> Callable[..., Optimizer]:
    """Return a class of ``torch.optim`` by name.

    Raises:
        ZooError: There is no such optimizer, or it does not take these arguments.
    """
    cls: type[Optimizer] = _find("optimizer", name, OPTIMIZERS, torch.optim)
    _check_arguments("optimizer", cls, {"params": [], "lr": 0.1}, arguments)
    return cls


def lr_scheduler_class(name: str, arguments: dict[str, Any]) -> Callable[..., LRScheduler]:
    """Return a class of ``torch.optim.lr_scheduler`` by name.

    Raises:
        ZooError: There is no such schedule, or it does not take these arguments.
    """
    cls: type[LRScheduler] = _find("lr_scheduler", name, LR_SCHEDULERS, torch.optim.lr_scheduler)
    _check_arguments("lr_scheduler", cls, {"optimizer": None}, arguments)
    return cls


def lr_scheduler_config(scheduler: LRScheduler) -> LRSchedulerConfigType:
    """Return what Lightning must know about a schedule: when to step it.

    One that looks at the validation is stepped by the network: Lightning would look for metrics in epochs that have no
    validation, and leave out the step of a resumed epoch.
    """
    interval = "step" if type(scheduler).__name__ in STEPPED_EACH_BATCH else "epoch"
    return {"scheduler": scheduler, "interval": interval, "reduce_on_plateau": False}


def _find(kind: str, name: str, names: list[str], module: Any) -> Any:
    if name not in names:
        hint = suggestion(name, names) or f"; torch has {', '.join(names)}"
        raise ZooError(f"unknown {kind} {name!r}{hint}")
    return getattr(module, name)


def _check_arguments(kind: str, cls: type, ours: dict[str, Any], arguments: dict[str, Any]) -> None:
    signature = inspect.signature(cls)
    for argument in arguments:
        if argument in ours:
            raise ZooError(f"{kind}_args may not hold {argument!r}: the zoo passes it")
        if argument not in signature.parameters:
            raise ZooError(f"{cls.__name__} takes no argument {argument!r}{suggestion(argument, signature.parameters)}")
    try:
        signature.bind(**ours, **arguments)
    except TypeError as error:
        raise ZooError(f"{kind} {cls.__name__}: {error}; give it in {kind}_args") from None
