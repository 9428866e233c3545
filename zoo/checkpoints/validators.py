"""A small language for schemas of untrusted data: nested plain values and tensors, in named parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

MAX_DEPTH = 20
"""Largest depth of nested lists and dictionaries."""

MAX_VALUES = 1_000_000
"""Largest number of values: with shared items, a few bytes can stand for any number of them."""

LONGEST = 100_000_000
"""Largest number of characters of a text; the longest is a vocabulary."""

Check = Callable[[Any, str], None]


class FaultError(ValueError):
    """Names an invalid part, what it is, and what was expected."""


def fault(where: str, found: Any, expected: str) -> FaultError:
    """Return the error of an invalid part, with a safe description of what was found."""
    match found:
        case str():
            description = f"the text {found[:40]!r}"
        case None | bool() | float():
            description = str(found)
        case int():
            description = str(found) if abs(found) < 2**63 else "a huge number"
        case Tensor():
            description = f"a tensor of shape {tuple(found.shape)}"
        case _:
            description = f"a {type(found).__name__}"
    return FaultError(f"{where} is {description}, expected {expected}")


def check_values(value: Any, where: str) -> None:
    """Raise FaultError if nested data contains anything but plain values and tensors, or too many of them."""
    _count(value, where)


def _count(value: Any, where: str, depth: int = 0, before: int = 0) -> int:
    """Return ``before`` plus the number of values, all of which must be plain values or plain tensors."""
    if depth > MAX_DEPTH or before > MAX_VALUES:
        raise FaultError(f"{where} is nested too deeply, or has too many values")
    match value:
        case dict():
            for key, item in value.items():
                if not isinstance(key, str | int | float | None):
                    raise fault(f"a key of {where}", key, "text or a number")
                place = str(key)[:100] if depth == 0 else f"{where}.{str(key)[:100]}"
                before = _count(item, place, depth + 1, before + 1)
        case list() | tuple() | set() | frozenset():
            for item in value:
                before = _count(item, where, depth + 1, before + 1)
        case Tensor():
            if value.layout != torch.strided or value.is_quantized or value.is_complex() or value.device.type != "cpu":
                raise fault(where, value, "a dense tensor of real numbers")
        case None | bool() | float() | bytes() | torch.dtype() | torch.device():
            pass
        case str() if len(value) <= LONGEST:
            pass
        case int() if abs(value) < 2**63:
            pass
        case _:
            raise fault(where, value, "a plain value")
    return before


def of_type(expected: str, *types: type) -> Check:
    """Return a check that a value has one of these types. A bool is not an int."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise fault(where, value, expected)

    return check


def whole(least: int, most: int) -> Check:
    """Return a check that a value is an integer within these bounds."""

    def check(value: Any, where: str) -> None:
        if type(value) is not int or not least <= value <= most:
            raise fault(where, value, f"an integer from {least} to {most}")

    return check


def dict_of(keys: Check, values: Check) -> Check:
    """Return a check of the keys and values of a dictionary."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise fault(where, value, "a dictionary")
        for key, item in value.items():
            keys(key, f"a key of {where}")
            values(item, f"{where}.{str(key)[:100]}")

    return check


def list_of(values: Check) -> Check:
    """Return a check of the items of a list."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list | tuple):
            raise fault(where, value, "a list")
        for index, item in enumerate(value):
            values(item, f"{where}[{index}]")

    return check


def parts(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    """Return a check of a dictionary with named parts. Other parts are ignored."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise fault(where, value, "a dictionary")
        for name, part in required.items():
            part(value.get(name), f"{where}.{name}")
        for name, part in optional.items():
            if value.get(name) is not None:
                part(value[name], f"{where}.{name}")

    return check


def anything(value: Any, where: str) -> None:
    """Accept any plain value."""


def plain(value: Any, where: str) -> None:
    """Check a hyperparameter: text, a number, true, false, null, or lists and dictionaries of these."""
    if isinstance(value, dict):
        dict_of(of_type("text, an integer, true or false", str, int, bool), plain)(value, where)
    elif isinstance(value, list):
        list_of(plain)(value, where)
    elif value is not None:
        of_type("a plain value", str, int, float, bool)(value, where)


text = of_type("text", str)
number = of_type("a number", int, float, bool)
tensor = of_type("a tensor", Tensor)
count = whole(0, 2**53)
any_dict = dict_of(anything, anything)
texts = dict_of(text, anything)
tensors = dict_of(text, tensor)
