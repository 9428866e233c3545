"""Checks that the parts of a checkpoint are consistent: weights, hyperparameters, transform and classes."""

from __future__ import annotations

import contextlib
import math
import types
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

import torch
from torch import Tensor
from torchmetrics import MetricCollection

from zoo.checkpoints.validators import FaultError, check_values, dict_of, fault, list_of, parts, plain, text
from zoo.errors import ZooError
from zoo.factory import build_model, datamodule_class, model_class
from zoo.tasks import Classifier, Task
from zoo.tasks.compatibility import accepts
from zoo.transforms import Text, Transform, from_spec, input_shape

LARGEST_NUMBER = 10_000_000
"""Largest integer argument of a data module, which could otherwise allocate any amount of memory."""

LAYERS = ("num_layers", "num_hidden")
"""Arguments that count layers. Each layer has weights, so there cannot be more layers than tensors."""


def check_data(name: str, arguments: dict[str, Any]) -> None:
    """Raise FaultError if the arguments of a data module do not have the types of its class's arguments."""
    dict_of(text, plain)(arguments, "datamodule_hyper_parameters")
    _check_types(datamodule_class(name), arguments, "datamodule_hyper_parameters")
    for key, value in arguments.items():
        if isinstance(value, int) and abs(value) > LARGEST_NUMBER:
            raise fault(f"datamodule_hyper_parameters.{key}", value, f"at most {LARGEST_NUMBER:,}")


def check_network(name: str, checkpoint: dict[str, Any]) -> None:
    """Raise FaultError if the parts of a checkpoint are not consistent with each other and with a network.

    The network is built on the ``meta`` device, where it has shapes, but takes neither memory nor time. A network of
    another package, whose constructor may need values, is built as usual. Its transform and classes are not checked.
    """
    own = model_class(name).__module__.startswith("zoo.")
    arguments = checkpoint.get("hyper_parameters", {})
    _check_types(model_class(name), arguments, "hyper_parameters")
    for key in LAYERS:
        if arguments.get(key, 0) > len(checkpoint["state_dict"]):
            raise fault(f"hyper_parameters.{key}", arguments[key], "at most as many layers as tensors")
    try:
        with torch.device("meta") if own else contextlib.nullcontext():
            model = build_model(name, **arguments).eval()
    except ZooError as error:
        raise FaultError(f"hyper_parameters: {error}") from None
    except (TypeError, ValueError, RuntimeError, OverflowError, ZeroDivisionError):
        raise FaultError(f"hyper_parameters: {name!r} cannot be built with them") from None
    expected = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in checkpoint["state_dict"].items()}
    for key in sorted(expected.keys() | found.keys()):
        if expected.get(key) != found.get(key):
            raise FaultError(f"state_dict.{key[:100]} is {found.get(key)}, expected {expected.get(key)}")
    origin = checkpoint["zoo"]
    transform = _check_transform(origin["transform"], model) if origin.get("transform") else None
    _check_class_weights(origin.get("class_weights"), model)
    if not own:
        return
    outputs = _outputs(model, transform)
    classes = origin.get("classes") or ()
    if classes and len(classes) != outputs[-1]:
        raise FaultError(f"zoo.classes has {len(classes)} names, expected {outputs[-1]}, one per output")
    for rank, recorded in enumerate(checkpoint.get("measured", [])):
        _check_recorded(recorded, model, outputs, f"measured[{rank}]")


def _check_class_weights(weights: list[float] | None, model: Task) -> None:
    if weights is None:
        return
    if len(weights) != model.hparams.get("num_classes"):
        raise FaultError(f"zoo.class_weights has {len(weights)} weights, expected one per class")
    if not all(math.isfinite(weight) and weight >= 0 for weight in weights):
        raise FaultError("zoo.class_weights must have finite numbers of at least 0")


def check_repository(config: Any, tensors: dict[str, Tensor]) -> None:
    """Raise FaultError if a configuration and weights from outside a checkpoint are not those of a network.

    Args:
        config: The arguments of :class:`zoo.sharing.hub.HubModel`, by name.
        tensors: The weights, by name.
    """
    check_values(config, "it")
    parts(
        {"name": text, "arguments": dict_of(text, plain)}, {"transform": dict_of(text, plain), "classes": list_of(text)}
    )(config, "it")
    origin = {"transform": config.get("transform"), "classes": config.get("classes")}
    check_network(config["name"], {"zoo": origin, "state_dict": tensors, "hyper_parameters": config["arguments"]})


def _check_transform(spec: dict[str, Any], model: Task) -> Transform:
    try:
        transform = from_spec(spec)
    except ZooError as error:
        raise FaultError(f"zoo.transform: {error}") from None
    if not accepts(type(model), transform.takes):
        raise FaultError(f"zoo.transform makes {transform.takes} inputs, expected {model.takes} inputs")
    if isinstance(transform, Text):
        ids, known = transform.vocabulary_size(), model.hparams["vocab_size"]
        if ids > known:
            raise FaultError(f"zoo.transform has {ids} words, expected at most {known}")
    return transform


def _outputs(model: Task, transform: Transform | None) -> tuple[int, ...]:
    """Return the shape of the output for one input."""
    if model.takes == "text":
        return (model.hparams["num_classes"],)
    example = model.example_input_array
    assert isinstance(example, Tensor)
    shape = input_shape(transform) if transform else example.shape[1:]
    try:
        return tuple(model.forward(torch.empty(1, *shape, device="meta", dtype=example.dtype)).shape[1:])
    except (RuntimeError, ValueError, IndexError):
        raise FaultError(
            f"zoo.transform makes inputs of shape {tuple(shape)}, which the network does not accept"
        ) from None


def _check_recorded(recorded: dict[str, Any], model: Task, outputs: tuple[int, ...], where: str) -> None:
    for name, metric in cast(MetricCollection, model.split_metrics["train/"]).items():
        for key, expected in metric.metric_state.items():
            found = recorded["counts"].get(name, {}).get(key)
            if found is not None and isinstance(expected, Tensor) and found.shape != expected.shape:
                raise fault(f"{where}.counts.{name}.{key}", found, f"shape {tuple(expected.shape)}")
    for batch in recorded["batches"]:
        try:
            loss, output, target = batch
            fits = loss.dim() == 0 and len(output) == len(target) > 0 and tuple(output.shape[1:]) == outputs
            if isinstance(model, Classifier):
                most = 1 if model.multilabel else model.num_classes - 1
                fits &= not target.is_floating_point() and 0 <= int(target.min()) <= int(target.max()) <= most
            model.loss(output, target)
        except (RuntimeError, ValueError, TypeError, IndexError):
            fits = False
        if not fits:
            raise FaultError(f"{where}.batches does not contain losses, outputs and targets of this network")


def _check_types(cls: type, arguments: dict[str, Any], where: str) -> None:
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        with contextlib.suppress(NameError):  # types that another package imports for type checkers alone
            hints |= get_type_hints(vars(base).get("__init__", object))
    for key, value in arguments.items():
        if key in hints and not _fits(value, hints[key]):
            raise fault(f"{where}.{key}", value, str(getattr(hints[key], "__name__", hints[key])))


def _fits(value: Any, hint: Any) -> bool:
    kind = get_origin(hint) or hint
    if kind is Any:
        return True
    if kind in (Union, types.UnionType):
        return any(_fits(value, part) for part in get_args(hint))
    if kind is Literal:
        return value in get_args(hint)
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if kind is int:
        return type(value) is int
    return not isinstance(kind, type) or isinstance(value, kind)
