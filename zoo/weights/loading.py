"""Loading of published weights."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError
from zoo.factory import build_model, check_model_arguments, datamodule_class, model_class
from zoo.support.signatures import arguments_of
from zoo.weights.records import weights_record

if TYPE_CHECKING:
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
    from zoo.checkpoints.consistency import check_data, check_repository
    from zoo.checkpoints.validators import FaultError
    from zoo.transforms import from_spec

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
    network = build_model(model, **{**record.arguments, **arguments})
    classes = network.hparams.get("num_classes")
    same_head = classes == record.arguments.get("num_classes")
    if not same_head:
        of_head = [name for name in tensors if name.startswith(f"{model_class(model).head}.")]
        for name in of_head:
            del tensors[name]
        if classes:
            logger.warning(
                "zoo: the head of %s (%s) is untrained, as it has %d classes instead of %d; train it before use",
                *(model, ", ".join(of_head), classes, record.arguments["num_classes"]),
            )
    expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    new = set() if same_head else {name for name in expected if name.startswith(f"{network.head}.")}
    for name in sorted(expected.keys() - new | tensors.keys()):
        found = tuple(tensors[name].shape) if name in tensors else None
        if found != expected.get(name):
            raise ZooError(
                f"the weights {record.weights!r} do not fit this {model!r}: {name} is {found}, expected "
                f"{expected.get(name)}; remove the arguments that change it"
            )
    network.load_state_dict(tensors, strict=False)
    network.transform = from_spec(preprocessing)
    network.classes = tuple(record.classes) if same_head else ()
    return network.eval()
