"""Does a network have the shape of the data?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError

if TYPE_CHECKING:
    from zoo.tasks import Task

AT_LEAST = ("num_classes", "vocab_size")
"""What a network may have more of than the data."""


def check_fits(model: Task, data: Any) -> None:
    """Raise ZooError, in one line, if a network takes other inputs than a data module of the zoo gives."""
    if not hasattr(data, "model_arguments"):
        return
    kind = getattr(data, "kind", model.takes)
    if model.takes != kind:
        raise ZooError(
            f"{type(model).__name__} takes {model.takes} inputs, but {type(data).__name__} has {kind} inputs"
        )
    needed = data.model_arguments()
    for name, value in needed.items():
        found = model.hparams.get(name, value)
        if found != value and not (name in AT_LEAST and found > value):
            given = ", ".join(f"{key}={needed[key]}" for key in needed if key in model.hparams)
            raise ZooError(
                f"{type(model).__name__} has {name} {found}, but {type(data).__name__} has {value}; "
                f"create the network with {given}"
            )
