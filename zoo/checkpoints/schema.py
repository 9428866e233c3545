"""The schema of checkpoints: types and bounds of all their parts, checked before anything uses them."""

from __future__ import annotations

import math
from typing import Any

from packaging.version import InvalidVersion, Version

from zoo.checkpoints.validators import (
    Check,
    any_dict,
    anything,
    check_values,
    count,
    dict_of,
    fault,
    list_of,
    number,
    of_type,
    parts,
    plain,
    tensor,
    tensors,
    text,
    texts,
)


def check_parts(checkpoint: dict[str, Any]) -> None:
    """Check that each part of a checkpoint is what Lightning and the zoo expect.

    Raises:
        FaultError: A part is invalid or missing.
    """
    check_values(checkpoint, "it")
    for name, check in REQUIRED.items():
        check(checkpoint.get(name), name)
    for name, check in OPTIONAL.items():
        if name in checkpoint:
            check(checkpoint[name], name)


def _seconds(value: Any, where: str) -> None:
    if not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise fault(where, value, "a number of seconds")


def _version(value: Any, where: str) -> None:
    try:
        if Version(value) >= Version("2.0"):
            return
    except (InvalidVersion, TypeError):
        pass
    raise fault(where, value, "a version of Lightning from 2.0 on")


REQUIRED: dict[str, Check] = {
    "zoo": parts(
        {"model": text},
        {"data": text, "transform": dict_of(text, plain), "classes": list_of(text), "class_weights": list_of(number)},
    ),
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
        {},
        {
            "stopped_at": text,
            "epoch_metrics": dict_of(text, of_type("a number", int, float)),
            "seconds": _seconds,
            "sizes": dict_of(text, count),
            "checksum": text,
        },
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
