"""Optimizers and learning-rate schedulers by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from zoo.errors import ZooError, suggestion
from zoo.internals.lightning import trainer_of
from zoo.tasks.run_length import run_length
from zoo.tasks.warm_up import WarmUp

if TYPE_CHECKING:
    from zoo.tasks.task import Task

STEPPED_EACH_BATCH = ("CyclicLR", "OneCycleLR")
"""Schedulers that step after each batch; the others step after each epoch."""

FOLLOWS_EPOCHS = {"CosineAnnealingLR": "T_max", "LinearLR": "total_iters", "PolynomialLR": "total_iters"}
FOLLOWS_STEPS = {"OneCycleLR": "total_steps"}
"""Arguments of schedulers that are the length of the run, in epochs or in steps, unless they are given."""

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
    length = length_argument(name, arguments)
    _check_arguments("lr_scheduler", cls, {"optimizer": None} | ({length: 1} if length else {}), arguments)
    return cls


def length_argument(name: str | None, arguments: dict[str, Any]) -> str | None:
    """Return the argument of a scheduler that is to be the length of the run; None if there is none."""
    argument = {**FOLLOWS_EPOCHS, **FOLLOWS_STEPS}.get(name or "")
    return None if argument in arguments or "steps_per_epoch" in arguments else argument


def check_optimizer(task: Task) -> None:
    """Raise ZooError if the optimizer or the scheduler of a network is unknown, or an argument of them wrong."""
    optimizer_class(task.optimizer, task.optimizer_args)
    if task.lr_scheduler:
        lr_scheduler_class(task.lr_scheduler, task.lr_scheduler_args)


def configure(task: Task) -> OptimizerLRScheduler:
    """Build the optimizer of a network, its scheduler and its warm-up, as Lightning's ``configure_optimizers`` does.

    Raises:
        ZooError: The schedule follows the length of the run, which is not known.
    """
    build = optimizer_class(task.optimizer, task.optimizer_args)
    optimizer = build(task.parameters(), lr=task.lr, **task.optimizer_args)
    schedulers: list[Any] = []
    if name := task.lr_scheduler:
        arguments = dict(task.lr_scheduler_args)
        if length := length_argument(name, arguments):
            arguments[length] = _length_of_run(task, name, length)
        scheduler = lr_scheduler_class(name, arguments)(optimizer, **arguments)
        # The network itself steps ReduceLROnPlateau: Lightning would expect metrics in epochs without validation, and
        # skip the step of a resumed epoch.
        interval = "step" if name in STEPPED_EACH_BATCH else "epoch"
        schedulers.append({"scheduler": scheduler, "interval": interval, "reduce_on_plateau": False})
    if task.warmup_steps:
        schedulers.append({"scheduler": WarmUp(optimizer, task.warmup_steps), "interval": "step", "name": "lr"})
    match schedulers:
        case []:
            return optimizer
        case [only]:
            return {"optimizer": optimizer, "lr_scheduler": only}
    return [optimizer], schedulers


def unpack(configured: Any) -> tuple[Any, list[Any]]:
    """Return the optimizer, and the schedulers, of what ``configure_optimizers`` returned."""
    match configured:
        case {"optimizer": optimizer}:
            configs = [configured["lr_scheduler"]] if "lr_scheduler" in configured else []
        case [[optimizer], [*configs]]:
            pass
        case optimizer:
            configs = []
    return optimizer, [config["scheduler"] if isinstance(config, dict) else config for config in configs]


def _length_of_run(task: Task, name: str, argument: str) -> int:
    trainer = trainer_of(task)
    length = task.run_length or (run_length(trainer, getattr(trainer, "datamodule", None)) if trainer else None)
    known = length and (length.steps if name in FOLLOWS_STEPS else length.epochs)
    if known is None:
        raise ZooError(
            f"{name} is to be as long as the run, whose end is not known; set {argument} in lr_scheduler_args"
        )
    return max(known, 1)  # a run of no epochs still builds its schedule


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
