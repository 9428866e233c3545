"""Checks of hyperparameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from zoo.errors import ZooError

REAL_NUMBERS = ("lr", "l1", "l2", "dropout", "word_dropout", "label_smoothing")
"""Hyperparameters that are real numbers, even if given as an integer; other integers are counts."""

MAY_BE_ZERO = ("num_classes", "warmup_steps")
"""Counts that may be zero; the others are at least one."""


def check_hyperparameters(values: Mapping[str, Any]) -> None:
    """Raise ZooError for the first hyperparameter that is not plain, or whose value is invalid."""
    for name, value in values.items():
        _check_plain(name, value)
        least = 0 if name in MAY_BE_ZERO else 1
        if type(value) is int and value < least and name not in REAL_NUMBERS:
            raise ZooError(f"{name} must be at least {least}, got {value}")
        if name in REAL_NUMBERS:
            _check_number(name, value)


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise ZooError(f"{name} must be a number, got {value!r}")
    if name in ("dropout", "word_dropout", "label_smoothing") and not 0 <= value < 1:
        raise ZooError(f"{name} must be at least 0 and below 1, got {value}")
    if name == "lr" and not (math.isfinite(value) and value > 0):
        raise ZooError(f"lr must be a finite number above 0, got {value}")
    if not (math.isfinite(value) and value >= 0):
        raise ZooError(f"{name} must be a finite number of at least 0, got {value}")


def _check_plain(name: str, value: Any) -> None:
    """Raise ZooError for a value that a checkpoint loaded with ``weights_only=True`` could not hold."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_plain(f"{name}.{key}", item)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_plain(f"{name}[{index}]", item)
    elif value is not None and type(value) not in (str, int, float, bool):
        raise ZooError(
            f"{name} must be plain (text, number, true/false, list or dict of these), got {type(value).__name__}"
        )
