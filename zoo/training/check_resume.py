"""Resuming, tried on copies: checks that a checkpoint fits a run before anything is written."""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint, StochasticWeightAveraging
from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from zoo.checkpoints.validators import FaultError, anything, dict_of, fault, list_of, parts, tensor, text
from zoo.errors import ZooError
from zoo.internals.lightning import callbacks_of
from zoo.support.console import one_line
from zoo.tasks import Task
from zoo.tasks.optimizers import length_argument, unpack
from zoo.training.check_loops import check_loops

RESUME_PARTS = ("loops", "callbacks", "optimizer_states", "lr_schedulers")
"""Parts that a file of weights alone does not have."""

WORK_OPTIONS = ("max_iter", "max_eval", "history_size", "ns_steps")
"""Options of optimizers that decide how much a step computes; those of a file must not differ."""

_best = parts({"best_model_path": text}, {"best_model_score": tensor, "best_k_models": dict_of(text, tensor)})


def check_resume(trainer: Trainer, model: Task, checkpoint: dict[str, Any], path: Path) -> None:
    """Raise ZooError if this trainer and network cannot resume from a checkpoint.

    Each state is compared with that of its owner, and loaded into a copy of the owner. A copy of the optimizer and of
    the schedule also takes a step.
    """
    if missing := [part for part in RESUME_PARTS if part not in checkpoint]:
        raise ZooError(
            f"{path} has weights, but no {missing[0]}: it can be tested, predicted with and exported, but not resumed"
        )
    theirs, ours = checkpoint.get("hyper_parameters", {}).get("optimizer"), model.hparams.get("optimizer")
    if theirs != ours:
        raise ZooError(f"{path} comes from a run with the optimizer {theirs}, not {ours}; omit --model.optimizer")
    callbacks = callbacks_of(trainer)
    try:
        check_loops(checkpoint, trainer.fit_loop.state_dict())
        for callback in callbacks:
            if callback.state_key in checkpoint["callbacks"]:
                _try_callback(callback, checkpoint["callbacks"][callback.state_key])
        if "averaging_state" in checkpoint or "current_model_state" in checkpoint:
            _check_average(checkpoint)
        # This replaces the network's own schedule.
        if not any(isinstance(callback, StochasticWeightAveraging) for callback in callbacks):
            _try_optimizer(model, checkpoint, steps=trainer.strategy.root_device.type == "cpu")
    except FaultError as error:
        raise ZooError(f"{path} is damaged: {error}") from None


def _try_callback(callback: Callback, state: Any) -> None:
    where = f"callbacks.{callback.state_key[:60]}"
    if isinstance(callback, ModelCheckpoint):
        _best(state, where)
        paths = [state.get(key, "") for key in ("best_model_path", "kth_best_model_path", "last_model_path")]
        for path in [*paths, *(state.get("best_k_models") or {})]:
            if not isinstance(path, str) or ".." in Path(path).parts:  # Lightning will delete the file
                raise fault(where, path, "the path of a checkpoint")
    if type(callback).__module__.startswith("lightning."):  # others may hold objects that cannot be copied
        _check_like(state, callback.state_dict(), where)
        with _loading(where):
            copy.deepcopy(callback).load_state_dict(copy.deepcopy(state))


def _check_average(checkpoint: dict[str, Any]) -> None:
    parts({"averaging_state": parts({"n_averaged": tensor}, {}), "current_model_state": dict_of(text, tensor)}, {})(
        checkpoint, "it"
    )
    for name, value in checkpoint["state_dict"].items():
        found = checkpoint["current_model_state"].get(name)
        if found is None or found.shape != value.shape:
            raise fault(f"current_model_state.{name}", found, f"one of the shape {tuple(value.shape)}")
    if checkpoint["averaging_state"]["n_averaged"].numel() != 1:
        raise fault("averaging_state.n_averaged", checkpoint["averaging_state"]["n_averaged"], "a single number")


def _try_optimizer(model: Task, checkpoint: dict[str, Any], steps: bool) -> None:
    twin = copy.deepcopy(model)
    optimizer, schedulers = unpack(twin.configure_optimizers())
    if not isinstance(optimizer, Optimizer):
        return  # a network of another package with several optimizers
    if len(checkpoint["optimizer_states"]) != 1:
        raise FaultError(f"optimizer_states has {len(checkpoint['optimizer_states'])} items, expected 1")
    if len(checkpoint["lr_schedulers"]) != len(schedulers):
        raise FaultError(f"lr_schedulers has {len(checkpoint['lr_schedulers'])}, expected {len(schedulers)}")
    (state,) = checkpoint["optimizer_states"]
    for found, own in zip(state["param_groups"], optimizer.state_dict()["param_groups"], strict=False):
        for name, value in own.items():
            if name in WORK_OPTIONS and found.get(name) != value:
                raise fault(f"optimizer_states[0].{name}", found.get(name), str(value))
    with _loading("optimizer_states[0]"):
        optimizer.load_state_dict(copy.deepcopy(state))
        if steps:
            _step(twin, optimizer)
    length = length_argument(model.lr_scheduler, model.lr_scheduler_args)
    for number, scheduler in enumerate(schedulers):
        _try_scheduler(scheduler, checkpoint["lr_schedulers"][number], f"lr_schedulers[{number}]", length)


def _step(twin: Task, optimizer: Optimizer) -> None:
    for parameter in twin.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    optimizer.step(lambda: 1.0)


def _try_scheduler(scheduler: LRScheduler, state: dict[str, Any], where: str, length: str | None) -> None:
    own = scheduler.state_dict()
    _check_like(state, own, where)
    if length in own and state.get(length, own[length]) != own[length]:
        raise ZooError(
            f"{type(scheduler).__name__} follows the length of the run, and its {length} would change from "
            f"{state[length]} to {own[length]}: earlier rates would have been others too; resume the run with the "
            "length it had, or start a new run"
        )
    for name in state.keys() - own.keys():  # torch sets each as an attribute
        if hasattr(scheduler, name):
            raise FaultError(f"{where} must not have {name[:40]!r}")
    with _loading(where):
        scheduler.load_state_dict(copy.deepcopy(state))
        if isinstance(scheduler, ReduceLROnPlateau):
            scheduler.step(1.0)
        elif scheduler.last_epoch < getattr(scheduler, "total_steps", math.inf):  # else the run is complete
            scheduler.step()


def _check_like(found: Any, own: Any, where: str) -> None:
    """Raise FaultError if a state has another type than its owner's own, unless that is None."""
    match own:
        case dict():
            dict_of(anything, anything)(found, where)
            for key in own.keys() & found.keys():
                _check_like(found[key], own[key], f"{where}.{key}")
        case list() | tuple():
            list_of(anything)(found, where)
            if len(found) != len(own):
                raise FaultError(f"{where} has {len(found)} items, expected {len(own)}")
            for index, item in enumerate(own):
                _check_like(found[index], item, f"{where}[{index}]")
        case Tensor():
            if not isinstance(found, Tensor) or found.shape != own.shape:
                raise fault(where, found, f"a tensor of the shape {tuple(own.shape)}")
        case bool() | str():
            if type(found) is not type(own):
                raise fault(where, found, f"a {type(own).__name__}")
        case int() | float():
            single = isinstance(found, Tensor) and found.numel() == 1
            if not single and (not isinstance(found, int | float) or isinstance(found, bool)):
                raise fault(where, found, "a number")


@contextlib.contextmanager
def _loading(where: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # depends on the owner
        reason = one_line(error)[:100]
        raise FaultError(f"{where} does not fit this run ({type(error).__name__}: {reason})") from None
