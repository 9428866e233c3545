"""What a class takes, read off its signature."""

from __future__ import annotations

import inspect
from typing import Any, get_args, get_type_hints


def arguments_of(cls: Any) -> list[str]:
    """Return the arguments of a class by name, those that ``**options: Unpack[SomeTypedDict]`` stands for included."""
    names: list[str] = []
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind is parameter.VAR_KEYWORD:
            (options, *_) = get_args(get_type_hints(cls.__init__)[name]) or [object]
            names += get_type_hints(options)
        else:
            names.append(name)
    return names
