"""Loading of published weights."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.factory import build_model, check_model_arguments, datamodule_class, model_class
from zoo.support.signatures import arguments_of
from zoo.weights.records import WeightsRecord, weights_record

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.datamodules.common import DataModule
    from zoo.tasks import Task

logger = logging.getLogger("zoo.weights")


def create_model(name: str, *, weights: str | None = None, data: DataModule | None = None, **arguments: Any) -> Task:
    """Build a network by name.

    Args:
        name: One of :func:`zoo.list_models`.
        weights: Name of published weights, see :func:`zoo.list_weights`, or ``"default"``. Default: random weights.
        data: Data whose shape and classes the network gets.
        **arguments: Arguments of the network's class. Default: those of the data, the documented values, or those that
            the weights were trained with.

    Raises:
        ZooError: A name or an argument is unknown, a value is invalid, the network cannot learn the data, or the
            weights are damaged.
    """
    if data is not None:
        from zoo.tasks.compatibility import sizes_for

        arguments = {**sizes_for(model_class(name), data), **arguments}
    if weights is None:
        return build_model(name, **arguments)
    check_model_arguments(name, arguments)
    return _pretrained(name, weights, arguments)


def _pretrained(model: str, weights: str, arguments: dict[str, Any]) -> Task:
    """Build a network with published weights, in evaluation mode.

    With another number of classes, all weights but the head's are loaded, and a warning is logged. With 0 classes, the
    network returns its features.

    Args:
        model: Name of the network.
        weights: Name of the weights, or ``"default"``.
        arguments: Arguments of the network's class that differ from those that the weights were trained with.

    Raises:
        ZooError: The weights are unknown or damaged, or do not fit these arguments.
    """
    from zoo.transforms import from_spec

    published = read_published(model, weights)
    network = build_model(model, **{**published.record.arguments, **arguments})
    classes, trained = network.hparams.get("num_classes"), published.record.arguments.get("num_classes")
    new_head = classes != trained
    if new_head and classes:
        logger.warning(
            "zoo: the head of %s (%s) is untrained, as it has %d classes instead of %d; train it before use",
            *(model, ", ".join(of_head(network, published.tensors)), classes, trained),
        )
    what = f"weights {published.record.weights!r} do not fit this {model!r}"
    load_tensors(network, published.tensors, new_head, what, "remove the arguments that change it")
    network.transform = from_spec(published.transform)
    network.classes = () if new_head else tuple(published.record.classes)
    return network.eval()


@dataclass(frozen=True)
class Published:
    """Published weights as they are read from their files.

    Attributes:
        record: Their record.
        tensors: The weights, by name.
        transform: The transform as plain values, with its vocabulary.
    """

    record: WeightsRecord
    tensors: dict[str, Tensor]
    transform: dict[str, Any]


def read_published(model: str, weights: str) -> Published:
    """Read published weights. Raises ZooError if they are unknown or damaged."""
    from zoo.checkpoints.consistency import check_data, check_repository
    from zoo.checkpoints.validators import FaultError

    record = weights_record(model, weights)
    tensors, texts = record.read()
    preprocessing = {**record.preprocessing, **{key: texts[key] for key in texts if key != "format"}}
    recorded = {"name": model, "arguments": record.arguments, "transform": preprocessing, "classes": record.classes}
    try:
        check_repository(recorded, tensors)
        check_data(record.data, record.data_arguments)
        if unknown := record.data_arguments.keys() - set(arguments_of(datamodule_class(record.data))):
            raise FaultError(f"data_arguments has {min(unknown)!r}, which {record.data} does not accept")
    except FaultError as error:
        raise ZooError(f"the record of {record.file} is damaged: {error}; reinstall the zoo") from None
    return Published(record, tensors, preprocessing)


def of_head(network: Task, names: Iterable[str]) -> list[str]:
    """Return those of the names of weights that are names of the head's."""
    return [name for name in names if name.startswith(f"{network.head}.")]


def load_tensors(network: Task, tensors: Mapping[str, Tensor], new_head: bool, what: str, remedy: str) -> None:
    """Load weights into a network.

    Args:
        network: The network.
        tensors: The weights, by name.
        new_head: Whether to keep the network's own head.
        what: What is wrong if they do not fit, for the message.
        remedy: What to do then.

    Raises:
        ZooError: A layer other than a new head is missing, or has another shape.
    """
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    left_out = {*of_head(network, expected), *of_head(network, tensors)} if new_head else set()
    for name in sorted((expected.keys() | tensors.keys()) - left_out):
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != expected.get(name):
            raise ZooError(f"the {what}: {name} is {found}, expected {expected.get(name)}; {remedy}")
    network.load_state_dict({k: v for k, v in tensors.items() if k not in left_out}, strict=False)
