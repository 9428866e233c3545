"""Signatures of constructors, of networks and data modules alike."""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from functools import cache
from types import FrameType
from typing import Any, Unpack, get_origin


def arguments_of(cls: type) -> list[str]:
    """Return the names of a class's arguments, including those that its constructor passes on as ``**options``."""
    return _arguments_of(cls)


@cache
def _arguments_of(cls: Any) -> list[str]:
    names: dict[str, None] = {}
    set_below: set[str] = set()  # what constructors of subclasses set themselves, and do not take
    positional = 0
    for base in cls.__mro__:
        if not (init := vars(base).get("__init__")):
            continue
        parameters = list(inspect.signature(init).parameters.values())[1:]
        kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
        own = [parameter.name for parameter in parameters if parameter.kind not in kinds]
        names |= dict.fromkeys(name for name in own[positional:] if name not in set_below)
        call = _super_call(init) if any(parameter.kind is kinds[1] for parameter in parameters) else None
        if call is None:
            break
        positional = len(call.args)
        set_below |= {keyword.arg for keyword in call.keywords if keyword.arg} - set(own)
    return list(names)


def _super_call(init: Any) -> ast.Call | None:
    """Return the call of ``super().__init__`` that passes ``**options`` on; None if there is none, or no source."""
    try:
        source = textwrap.dedent(inspect.getsource(init))
    except OSError:  # typed at a prompt
        return None
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__":
            return node if any(keyword.arg is None for keyword in node.keywords) else None
    return None


def class_path(instance: object) -> str:
    """Return the import path of an object's class, as ``module:Class``."""
    return f"{type(instance).__module__}:{type(instance).__qualname__}"


def follow_options(cls: type) -> None:
    """Let tools that inspect a constructor at runtime follow its ``**options`` to the class that documents them.

    ``**options: Unpack[SomeTypedDict]`` gives editors and type checkers the names and types, but neither defaults nor
    descriptions, and not every version of jsonargparse reads it. All versions follow a plain ``**options`` to the call
    of ``super().__init__``.
    """
    init = vars(cls).get("__init__")
    for name, hint in getattr(init, "__annotations__", {}).items():
        if "Unpack[" in str(hint) or get_origin(hint) is Unpack:  # as text, or evaluated
            init.__annotations__[name] = Any


def constructor_arguments(built: object) -> dict[str, Any]:
    """Return the arguments with which an object is being built, by name, defaults included.

    Call it in a constructor. Lightning's ``save_hyperparameters`` does the same for a class without ``**options``, but
    also collects arguments of an object in whose constructor this one is built.
    """
    values: dict[str, Any] = {}
    given: dict[str, Any] = {}
    frame: FrameType | None = inspect.currentframe()
    while frame := frame and frame.f_back:
        names, _, keywords, found = inspect.getargvalues(frame)
        if frame.f_code.co_name == "__init__" and names and found[names[0]] is built:  # the outermost comes last
            given = {name: found[name] for name in names[1:]} | found.get(str(keywords), {})
            values |= given
            code = frame.f_code
    # Code typed at a prompt has no source in which arguments could be followed.
    if linecache.getline(code.co_filename, code.co_firstlineno):
        given = {name: values[name] for name in arguments_of(type(built)) if name in values} | given
    return given
