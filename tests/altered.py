"""Plain data with something done to it: what the fuzz tests make of checkpoints, configs and records."""

from __future__ import annotations

import copy
from typing import Any

import torch
from hypothesis import strategies as st

VALUES: list[Any] = [
    *(None, True, 0, -1, 1, 3, 10**9, 2**63 - 1, 10**30, 0.5, -1.0, 1e300, float("nan"), float("inf")),
    *("", "abc", "1", "../x", "a\nb", "\x1b[2J", "é", "Adam", "x" * 5000),
    *([], [1], ["a"], [[]], {}, {"a": 1}, {3: "x"}, {"name": "Digit"}, ()),
]

TENSORS: list[Any] = [
    torch.zeros(()),
    torch.zeros(3),
    torch.full((2, 2), torch.nan),
    torch.zeros(0),
    torch.ones(1).long(),
]

place = st.lists(st.integers(0, 10**6), min_size=1, max_size=7)
"""Where in nested data: at each level, which item."""

doing = st.sampled_from(["delete", "replace", "rename", "add", "repeat"])


def altered(data: Any, where: list[int], what: str, value: Any) -> Any:
    """Return a copy of nested data with one item deleted, replaced, renamed, added, or there twice."""
    data = copy.deepcopy(data)
    inside, steps = data, list(where)
    while True:
        key = _item(inside, steps.pop(0))
        if not steps or key is None or not _holds(inside[key]):
            break
        inside = inside[key]
    match what:
        case "delete" if key is not None:
            del inside[key]
        case "rename" if isinstance(inside, dict) and key is not None:
            inside[value if isinstance(value, str | int | float | None) else "renamed"] = inside.pop(key)
        case "repeat" if isinstance(inside, list) and key is not None:
            inside.append(copy.deepcopy(inside[key]))
        case "add":
            inside.append(value) if isinstance(inside, list) else inside.setdefault("added", value)
        case _ if key is not None:
            inside[key] = value
    return data


def _holds(value: Any) -> bool:
    return isinstance(value, dict | list) and len(value) > 0


def _item(inside: Any, step: int) -> Any:
    keys = list(inside) if isinstance(inside, dict) else range(len(inside))
    return keys[step % len(keys)] if len(keys) else None
