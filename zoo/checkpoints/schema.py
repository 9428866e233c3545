"""What a checkpoint may hold: the whole of it, typed and bounded, seen once, before anything else looks at it."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from packaging.version import InvalidVersion, Version
from torch import Tensor

DEEPEST = 20
"""How deep lists and dictionaries may be nested."""

MOST_VALUES = 1_000_000
"""How many values a checkpoint may hold: lists that share their items can stand for any number in a few bytes."""

LONGEST = 100_000_000
"""Characters of a text; a vocabulary is the longest."""

Check = Callable[[Any, str], None]


class FaultError(ValueError):
    """Names the part of a checkpoint that is at fault, what it is, and what was expected."""


def check_parts(checkpoint: dict[str, Any]) -> None:
    """See to it that each part of a checkpoint is what Lightning and the zoo take it for.

    Raises:
        FaultError: One is not.
    """
    check_values(checkpoint, "it")
    for name, check in REQUIRED.items():
        check(checkpoint.get(name), name)
    for name, check in OPTIONAL.items():
        if name in checkpoint:
            check(checkpoint[name], name)


def fault(where: str, found: Any, expected: str) -> FaultError:
    """Return the fault of a part, which it names without trusting it."""
    match found:
        case str():
            told = f"the text {found[:40]!r}"
        case None | bool() | float():
            told = str(found)
        case int():
            told = str(found) if abs(found) < 2**63 else "a huge number"
        case Tensor():
            told = f"a tensor of the shape {tuple(found.shape)}"
        case _:
            told = f"a {type(found).__name__}"
    return FaultError(f"{where} is {told}, expected {expected}")


def check_values(value: Any, where: str) -> None:
    """Raise FaultError unless nested data is of plain values and tensors, and not too many."""
    _count(value, where)


def _count(value: Any, where: str, depth: int = 0, before: int = 0) -> int:
    """Return how many values there are, ``before`` included; each is of a plain type, or a plain tensor."""
    if depth > DEEPEST or before > MOST_VALUES:
        raise FaultError(f"{where} is nested too deep, or holds too much")
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
                raise fault(where, value, "plain numbers in memory")
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
    """Return a check that a value is of one of these types; a bool is no number."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise fault(where, value, expected)

    return check


def whole(least: int, most: int) -> Check:
    """Return a check that a value is a whole number in these bounds."""

    def check(value: Any, where: str) -> None:
        if type(value) is not int or not least <= value <= most:
            raise fault(where, value, f"a whole number from {least} to {most}")

    return check


def dict_of(keys: Check, values: Check) -> Check:
    """Return a check of a dictionary's keys and values."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, dict):
            raise fault(where, value, "a dictionary")
        for key, item in value.items():
            keys(key, f"a key of {where}")
            values(item, f"{where}.{str(key)[:100]}")

    return check


def list_of(values: Check) -> Check:
    """Return a check of a list's items."""

    def check(value: Any, where: str) -> None:
        if not isinstance(value, list | tuple):
            raise fault(where, value, "a list")
        for index, item in enumerate(value):
            values(item, f"{where}[{index}]")

    return check


def parts(required: dict[str, Check], optional: dict[str, Check]) -> Check:
    """Return a check of a dictionary with named parts; what else it holds does not matter."""

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
    """Be content with whatever is plain."""


def plain(value: Any, where: str) -> None:
    """Check a hyperparameter: text, a number, true or false, nothing, or lists and dictionaries of these."""
    if isinstance(value, dict):
        dict_of(text, plain)(value, where)
    elif isinstance(value, list):
        list_of(plain)(value, where)
    elif value is not None:
        of_type("a plain value", str, int, float, bool)(value, where)


def _seconds(value: Any, where: str) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise fault(where, value, "a number of seconds")


def _version(value: Any, where: str) -> None:
    try:
        if Version(value) >= Version("2.0"):
            return
    except (InvalidVersion, TypeError):
        pass
    raise fault(where, value, "a version of Lightning, at least 2.0")


text = of_type("text", str)
number = of_type("a number", int, float, bool)
tensor = of_type("a tensor", Tensor)
count = whole(0, 2**53)
any_dict = dict_of(anything, anything)
texts = dict_of(text, anything)
tensors = dict_of(text, tensor)

REQUIRED: dict[str, Check] = {
    "zoo": parts({"model": text}, {"data": text, "transform": dict_of(text, plain), "classes": list_of(text)}),
    "state_dict": tensors,
    "epoch": count,
    "global_step": count,
    "pytorch-lightning_version": _version,
}

OPTIONAL: dict[str, Check] = {
    "hyper_parameters": dict_of(text, plain),
    "datamodule_hyper_parameters": dict_of(text, anything),
    "measured": list_of(
        parts({"counts": dict_of(text, tensors), "batches": list_of(list_of(tensor))}, {}),
    ),
    "exact_resume": parts(
        {}, {"stopped_at": text, "epoch_metrics": dict_of(text, of_type("a number", int, float)), "seconds": _seconds}
    ),
    "loops": dict_of(text, texts),
    "callbacks": dict_of(text, any_dict),
    "optimizer_states": list_of(
        parts({"state": dict_of(count, texts), "param_groups": list_of(parts({"params": list_of(count)}, {}))}, {})
    ),
    "lr_schedulers": list_of(texts),
    "current_model_state": tensors,
    "averaging_state": tensors,
    "MixedPrecision": dict_of(text, number),
    "native_amp_scaling_state": dict_of(text, number),
}
