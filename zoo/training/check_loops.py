"""Checks of the state of Lightning's loops in a checkpoint."""

from __future__ import annotations

from typing import Any

from zoo.checkpoints.validators import FaultError, count, fault, list_of, parts
from zoo.internals.lightning import is_progress_method

_reached = parts({"ready": count, "completed": count}, {"started": count, "processed": count})


def check_loops(checkpoint: dict[str, Any], own: dict[str, Any]) -> None:
    """Raise FaultError if the state of the loops does not fit the run's own, or the checkpoint that it is in.

    Args:
        checkpoint: The checkpoint.
        own: The state of the run's fit loop.
    """
    loops = checkpoint["loops"].get("fit_loop", {})
    for name, state in own.items():
        where = f"loops.fit_loop.{name}"
        if name.endswith("state_dict"):
            place = parts({"epoch": count, "batches": count}, {})
            parts({}, {"_batches_that_stepped": count, "combined_loader": list_of(place)})(loops.get(name), where)
        else:
            _check_progress(loops.get(name), state, where)
    if len(loops["state_dict"].get("combined_loader", [0])) != 1:
        raise FaultError("loops.fit_loop.state_dict.combined_loader has several loaders, expected one")
    epoch = loops["epoch_progress"]["current"]["completed"]
    if epoch != checkpoint["epoch"]:
        raise fault("loops.fit_loop.epoch_progress", epoch, f"the checkpoint's epoch, {checkpoint['epoch']}")
    optimized = loops["epoch_loop.automatic_optimization.optim_progress"]["optimizer"]["step"]["total"]["completed"]
    steps = optimized + loops["epoch_loop.manual_optimization.optim_step_progress"]["total"]["completed"]
    if steps != checkpoint["global_step"]:
        raise fault("loops.fit_loop: the number of steps", steps, f"the checkpoint's, {checkpoint['global_step']}")


def _check_progress(found: Any, own: dict[str, Any], where: str) -> None:
    if not isinstance(found, dict):
        raise fault(where, found, "a dictionary")
    if "ready" in own:
        _reached(found, where)
        names = [name for name in ("ready", "started", "processed", "completed") if name in own]
        order: list[Any] = [found.get(name, found["ready"]) for name in names]
        if order != sorted(order, reverse=True):
            raise FaultError(f"{where} counts more ends than starts")
        if methods := [key for key in found.keys() - own.keys() if is_progress_method(str(key))]:
            raise FaultError(f"{where} must not have {str(methods[0])[:40]!r}")
    for name, state in own.items():
        if isinstance(state, dict):
            _check_progress(found.get(name), state, f"{where}.{name}")
        elif type(found.get(name, state)) is not type(state):
            raise fault(f"{where}.{name}", found[name], f"a {type(state).__name__}")
