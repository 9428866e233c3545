"""Optimizers and learning-rate schedulers by name."""

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
"""Schedulers that step after each batch; the others step after each epoch."""

UNUSABLE = ("SparseAdam", "LambdaLR", "MultiplicativeLR", "SequentialLR", "ChainedScheduler")
"""Classes that need sparse gradients, or functions or other schedulers, which cannot be plain hyperparameters."""


def _names(module: Any, base: type, needed: tuple[str, ...]) -> list[str]:
    classes = [c for c in vars(module).values() if inspect.isclass(c) and issubclass(c, base) and c is not base]
    names = {c.__name__ for c in classes if set(needed) <= set(inspect.signature(c).parameters)}
    return sorted(name for name in names if not name.startswith("_") and name not in UNUSABLE)


OPTIMIZERS = _names(torch.optim, Optimizer, ("params", "lr"))
"""Classes of torch.optim that accept parameters, a learning rate and dense gradients."""

LR_SCHEDULERS = _names(torch.optim.lr_scheduler, LRScheduler, ("optimizer",))
"""Classes of torch.optim.lr_scheduler that accept an optimizer and plain arguments."""


def optimizer_class(name: str, arguments: dict[str, Any]) -> Callable[..., Optimizer]:
    """Return a class of ``torch.optim`` by name.

    Raises:
        ZooError: The name or an argument is unknown, or an argument is missing.
    """
    cls: type[Optimizer] = _find("optimizer", name, OPTIMIZERS, torch.optim)
    _check_arguments("optimizer", cls, {"params": [], "lr": 0.1}, arguments)
    return cls


def lr_scheduler_class(name: str, arguments: dict[str, Any]) -> Callable[..., LRScheduler]:
    """Return a class of ``torch.optim.lr_scheduler`` by name.

    Raises:
        ZooError: The name or an argument is unknown, or an argument is missing.
    """
    cls: type[LRScheduler] = _find("lr_scheduler", name, LR_SCHEDULERS, torch.optim.lr_scheduler)
    _check_arguments("lr_scheduler", cls, {"optimizer": None}, arguments)
    return cls


def lr_scheduler_config(scheduler: LRScheduler) -> LRSchedulerConfigType:
    """Return Lightning's configuration of a scheduler: when to step it.

    The network itself steps ReduceLROnPlateau: Lightning would expect metrics in epochs without validation, and skip
    the step of a resumed epoch.
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
            raise ZooError(f"{kind}_args must not contain {argument!r}, which the zoo sets")
        if argument not in signature.parameters:
            raise ZooError(f"{cls.__name__} takes no argument {argument!r}{suggestion(argument, signature.parameters)}")
    try:
        signature.bind(**ours, **arguments)
    except TypeError as error:
        raise ZooError(f"{kind} {cls.__name__}: {error}; set it in {kind}_args") from None
