"""Weights of the classes in the loss that is minimized."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any, Literal

from zoo.errors import ZooError, suggestion

BOOLEANS = {"True": ("true", "yes", "on"), "False": ("false", "no", "off")}
"""Names of classes that YAML reads as true or false."""

ClassWeight = Literal["balanced"] | dict[str, float] | dict[int, float] | list[float]


def check_class_weight(weight: ClassWeight, num_classes: int) -> None:
    """Raise ZooError for weights that no classes could have, whatever their names."""
    if isinstance(weight, str):
        if weight != "balanced":
            raise ZooError(f"class_weight must be balanced, or a weight for each class, got {weight!r}")
        return
    if not isinstance(weight, list | dict):
        raise ZooError(f"class_weight must be balanced, a dictionary or a list, got {type(weight).__name__}")
    values: Sequence[Any] = weight if isinstance(weight, list) else [*weight.values()]
    for value in values:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not 0 <= value <= sys.float_info.max:
            raise ZooError(f"class_weight must have finite numbers of at least 0, got {value!r}")
    if isinstance(weight, list) and len(weight) != num_classes:
        raise ZooError(f"class_weight has {len(weight)} weights, but there are {num_classes} classes")
    if isinstance(weight, list) and not any(weight):
        raise ZooError("class_weight has no weight above 0, so there would be nothing to learn")


def resolve_class_weight(
    weight: ClassWeight, num_classes: int, names: Sequence[str] = (), counts: Sequence[int] = ()
) -> list[float]:
    """Return the weight of each class.

    ``balanced`` is scikit-learn's: with n training examples, of which n_c are of class c, out of k classes, its weight
    is n / (k n_c). A class that a dictionary does not name has the weight 1.

    Args:
        weight: The weights as given. A dictionary names a class by its name or by its index.
        num_classes: Number of classes.
        names: Names of the classes, by index, if they are known.
        counts: Number of training examples of each class; needed for ``balanced``.

    Raises:
        ZooError: A name is unknown, or a class has no training example to balance.
    """
    if isinstance(weight, list):
        return [float(value) for value in weight]
    if isinstance(weight, dict):
        resolved = [1.0] * num_classes
        indices = {str(index): index for index in range(num_classes)}
        indices |= {str(name): index for index, name in enumerate(names)}
        for key, value in weight.items():
            name = str(key)
            if name not in indices:
                name = next((own for own in indices if own.lower() in BOOLEANS.get(name, ())), name)
            if name not in indices:
                hint = suggestion(name, indices) or f"; the classes are {', '.join(names) or ', '.join(indices)}"
                raise ZooError(f"class_weight has the unknown class {name!r}{hint}")
            resolved[indices[name]] = float(value)
        if not any(resolved):
            raise ZooError("class_weight has no weight above 0, so there would be nothing to learn")
        return resolved
    counts = [*counts, *[0] * (num_classes - len(counts))]
    if 0 in counts:
        index = counts.index(0)
        name = names[index] if index < len(names) else str(index)
        raise ZooError(f"class_weight balanced needs training examples of each class, but {name!r} has none")
    return [sum(counts) / (num_classes * count) for count in counts]
