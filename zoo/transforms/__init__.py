"""Transforms: from a picture, a text or a row of numbers to one input of a network.

A transform is saved with the weights as plain values, and rebuilt from them.
"""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

from zoo.errors import ZooError
from zoo.transforms.base import Transform
from zoo.transforms.pictures import Digit, Item, Photo
from zoo.transforms.reading import read_picture, to_rgb
from zoo.transforms.rows import Row
from zoo.transforms.tables import Learned, Table
from zoo.transforms.texts import Text

__all__ = [
    "Digit",
    "Item",
    "Learned",
    "Photo",
    "Row",
    "Table",
    "Text",
    "Transform",
    "from_spec",
    "input_shape",
    "read_picture",
    "to_rgb",
]

_TRANSFORMS: dict[str, type[Transform]] = {cls.__name__: cls for cls in (Digit, Item, Photo, Row, Table, Text)}

BOUNDS = {
    "size": (1, 4096),
    "channels": (1, 64),
    "padding": (0, 1024),
    "features": (1, 1_000_000),
    "low": (-1000, 1),
}
"""Smallest and largest values of a transform's arguments. They limit how much memory it takes."""


def from_spec(spec: Any) -> Transform:
    """Build a transform from the return value of :meth:`Transform.spec`.

    Raises:
        ZooError: The name or an argument is unknown or missing, or a value is invalid.
    """
    arguments = dict(spec) if isinstance(spec, dict) else {}
    name = arguments.pop("name", None)
    if not isinstance(name, str) or name not in _TRANSFORMS:
        raise ZooError(f"unknown transform {str(name)[:80]!r}; the zoo has {', '.join(_TRANSFORMS)}")
    takes = {field.name: field.type for field in fields(_TRANSFORMS[name])}  # type: ignore[arg-type]  # each is one
    for key, value in arguments.items():
        if key not in takes:
            raise ZooError(f"the transform {name} takes no argument {str(key)[:80]!r}")
        least, most = BOUNDS.get(key, (-math.inf, math.inf))
        types: dict[Any, tuple[type, ...]] = {"int": (int,), "float": (int, float), "str": (str,)}
        if type(value) not in types[takes[key]] or not (isinstance(value, str) or least <= value <= most):
            expected = f"from {least} to {most}" if key in BOUNDS else "to be text"
            raise ZooError(f"the transform {name} expects {key} {expected}, got {str(value)[:80]!r}")
    try:
        transform = _TRANSFORMS[name](**arguments)
    except TypeError:
        raise ZooError(f"the transform {name} requires {', '.join(takes)}") from None
    if isinstance(transform, Text):
        transform.vocabulary_size()
    elif isinstance(transform, Table):
        _ = transform.parts
    return transform


def input_shape(transform: Transform) -> tuple[int, ...]:
    """Return the shape of the inputs that a transform of pictures or rows returns."""
    if isinstance(transform, Row | Table):
        return (transform.features,)
    assert isinstance(transform, Digit | Item | Photo)
    channels = 1 if isinstance(transform, Item) else transform.channels
    side = transform.size + 2 * transform.padding
    return (channels, side, side)
