"""From what a user has (a picture, a text, a row of numbers) to one input of a network.

A transform is plain: it is saved with the weights that it belongs to, and built again from there.
"""

from __future__ import annotations

from typing import Any

from zoo.errors import ZooError
from zoo.transforms.base import Transform
from zoo.transforms.lines import Row, Text
from zoo.transforms.pictures import Digit, Item, Photo
from zoo.transforms.reading import read_picture

__all__ = ["Digit", "Item", "Photo", "Row", "Text", "Transform", "from_spec", "read_picture"]

_TRANSFORMS: dict[str, type[Transform]] = {cls.__name__: cls for cls in (Digit, Item, Photo, Row, Text)}


def from_spec(spec: Any) -> Transform:
    """Build a transform from what :meth:`Transform.spec` returned.

    Raises:
        ZooError: It describes none.
    """
    try:
        arguments = dict(spec)
        return _TRANSFORMS[arguments.pop("name")](**arguments)
    except (KeyError, TypeError, ValueError):
        raise ZooError(f"no transform is described by {str(spec)[:80]}") from None
