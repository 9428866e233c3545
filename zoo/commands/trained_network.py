"""The trained network of ``zoo test``, ``predict`` and ``export``: from a checkpoint, or published weights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from zoo.checkpoints.reading import build_network, data_arguments, read_checkpoint
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.tasks import Task
from zoo.transforms import Transform
from zoo.weights import WeightsRecord, create_model, list_weights, weights_record


@dataclass
class TrainedNetwork:
    """A trained network.

    Attributes:
        model: The network, in evaluation mode.
        name: Its name in the registry.
        source: Where it is from, for messages.
        steps: Updates that it was trained for.
        data: Name of the data set that it was trained on, if that is known.
        data_arguments: Arguments of its data module.
        checksum: That of the data, if it is the user's own.
        record: The record of published weights.
    """

    model: Task
    name: str
    source: str
    steps: int
    data: str | None
    data_arguments: dict[str, Any]
    checksum: str = ""
    record: WeightsRecord | None = None

    @property
    def transform(self) -> Transform:
        """Turns a picture, a text or a row into an input. Raises ZooError if the network does not know it."""
        if self.model.transform is None:
            raise ZooError(f"{self.source} does not know how to make inputs: it was not trained on data of the zoo")
        return self.model.transform


def load_trained(request: Request) -> TrainedNetwork:
    """Load the network of a request.

    Raises:
        ZooError: The request names none, or it cannot be loaded.
    """
    if request.ckpt and request.weights:
        raise ZooError("--ckpt and --weights exclude each other; give one of them")
    if request.ckpt:
        checkpoint = read_checkpoint(request.ckpt)
        model = build_network(checkpoint, request.ckpt, request.model)
        names, steps = checkpoint["zoo"], checkpoint["global_step"]
        checksum = checkpoint.get("exact_resume", {}).get("checksum") or ""
        of_data = names["data"], data_arguments(checkpoint), checksum
        return TrainedNetwork(model, names["model"], request.ckpt, steps, *of_data)
    if not request.weights:
        weights = " or ".join(list_weights(request.model)) if request.model else "NAME with --model NAME"
        raise ZooError(
            f"give a trained network: --ckpt FILE, such as the last.ckpt of a run folder, or --weights {weights}"
        )
    if not request.model:
        raise ZooError(f"--weights {request.weights} needs --model NAME")
    record = weights_record(request.model, request.weights)
    model = create_model(request.model, weights=request.weights)
    source = f"{record.model} with weights {record.weights}"
    return TrainedNetwork(model, record.model, source, record.steps, record.data, record.data_arguments, record=record)
