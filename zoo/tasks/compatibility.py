"""Checks whether a network and a data set are compatible."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.factory import datamodule_class, model_class
from zoo.kinds import InputKind, TargetKind
from zoo.registry import datamodules, models
from zoo.support.console import listed
from zoo.support.signatures import arguments_of
from zoo.tasks.losses import VALID_LOSSES

if TYPE_CHECKING:
    from zoo.datamodules.common import DataModule
    from zoo.tasks.task import Task

MINIMUM_SIZES = ("num_classes", "vocab_size")
"""Sizes that may be larger in the network than in the data."""


def check_fits(model: Task, data: Any) -> None:
    """Raise ZooError if a network does not fit the inputs or the classes of a data module of the zoo."""
    if not hasattr(data, "model_arguments"):
        return
    check_kinds(type(model), data)
    needed = data.model_arguments()
    for name, value in needed.items():
        found = model.hparams.get(name, value)
        if found != value and not (name in MINIMUM_SIZES and found > value):
            given = ", ".join(f"{key}={needed[key]}" for key in needed if key in model.hparams)
            raise ZooError(
                f"{type(model).__name__} has {name} {found}, but {type(data).__name__} has {value}; "
                f"create the network with {given}"
            )


def check_classes(names: Sequence[str], data: DataModule) -> None:
    """Raise ZooError if a trained network knows other classes than a data set whose classes only the user knows."""
    if names and data.targets and data.classes and tuple(names) != tuple(data.classes):
        raise ZooError(f"the network has learned the classes {listed(names)}, but the data has {listed(data.classes)}")


def accepts(model: type[Task], kind: InputKind) -> bool:
    """Return whether a network takes inputs of a kind: its own, or rows of numbers if it takes any flat inputs."""
    return model.takes == kind or (kind == "table" and "in_dim" in arguments_of(model))


def fits(model: type[Task], data: DataModule) -> bool:
    """Return whether a network can learn a data set whose files have been read."""
    return accepts(model, data.kind) and _adapts(model, data) and _learns(model, data.target)


def check_kinds(model: type[Task], data: DataModule) -> None:
    """Raise ZooError if a network does not take the inputs, or cannot learn the targets, that the data has."""
    kind = getattr(data, "kind", model.takes)
    if not accepts(model, kind):
        raise ZooError(f"{model.__name__} expects {model.takes} inputs, but {type(data).__name__} has {kind} inputs")
    if data.targets and not _learns(model, data.target):
        wanted, others = ("numbers", "classes") if data.target == "value" else ("classes", "numbers")
        fitting = [name for name in sorted(models()) if fits(model_class(name), data)]
        raise ZooError(
            f"{model.__name__} predicts {others}, but the targets are {wanted}; "
            f"networks that predict {wanted}: {', '.join(fitting)}"
        )


def sizes_for(model: type[Task], data: DataModule) -> dict[str, int | bool]:
    """Return the arguments with which a network fits a data set. Raises ZooError if it cannot learn it."""
    check_kinds(model, data)
    known = arguments_of(model)
    return {name: value for name, value in data.model_arguments().items() if name in known}


def check_pair(model_name: str, model: type[Task], data_name: str, data: type[DataModule]) -> None:
    """Raise ZooError if a network cannot be trained on a data set, whatever the options."""
    if not _fits(model, data):
        fitting = [name for name in sorted(datamodules()) if _fits(model, datamodule_class(name))]
        raise ZooError(
            f"the network {model_name!r} cannot be trained on {data_name!r}, which has {data.kind} inputs and "
            f"{' or '.join(data.targets or (data.target,))} targets; it can be trained on {', '.join(fitting)}"
        )


def _fits(model: type[Task], data: type[DataModule]) -> bool:
    targets = data.targets or (data.target,)
    return accepts(model, data.kind) and _adapts(model, data) and any(_learns(model, target) for target in targets)


def _adapts(model: type[Task], data: DataModule | type[DataModule]) -> bool:
    """Return whether a network takes as many features as data has that only the user knows."""
    return not (data.targets and data.kind == "table") or "in_dim" in arguments_of(model)


def _learns(model: type[Task], target: TargetKind) -> bool:
    return (target, model.output) in VALID_LOSSES and target in getattr(model, "targets", (target,))
