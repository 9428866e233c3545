"""Weights that a training run starts from: published ones, or those of a checkpoint."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from zoo.checkpoints.reading import check_network_name, data_arguments, read_checkpoint
from zoo.errors import ZooError
from zoo.support.files import parse_path
from zoo.support.signatures import arguments_of
from zoo.tasks import Classifier, Task
from zoo.weights.loading import load_tensors, read_published
from zoo.weights.records import list_weights, weights_record

OF_TRAINING = frozenset(arguments_of(Classifier)) - {"num_classes"}
"""Arguments of networks that say how they are trained, rather than what they are."""


@dataclass(frozen=True)
class StartingWeights:
    """Weights that a run starts from.

    Attributes:
        origin: What they are, for the record of the run: ``name`` or ``file``, and ``sha256``.
        arguments: Arguments of the network that say what it is, such as its number of layers, by name.
        data: Name of the data set that they were trained on, if that is known.
        data_arguments: Arguments of its data module.
        transform: The transform as plain values, None if it is not known.
        classes: Names of the classes; empty if they are not known.
        tensors: The weights, by name.
    """

    origin: Mapping[str, str]
    arguments: Mapping[str, Any]
    data: str | None
    data_arguments: Mapping[str, Any]
    transform: Mapping[str, Any] | None
    classes: tuple[str, ...]
    tensors: Mapping[str, Tensor]

    @classmethod
    def read(cls, model: str, source: str) -> StartingWeights:
        """Read published weights of a network by their name, or the weights of a checkpoint of it.

        Raises:
            ZooError: There are no such weights, or they are damaged, or those of another network.
        """
        names = [*list_weights(model), "default"]
        if source in names or not (Path(source).suffix or os.path.exists(source)):
            return cls._published(model, source)
        path = parse_path(source, "--weights")
        checkpoint = read_checkpoint(path)
        check_network_name(checkpoint, path, model)
        origin = checkpoint["zoo"]
        return cls(
            {"file": source, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()},
            _shaping(checkpoint.get("hyper_parameters", {})),
            origin["data"],
            data_arguments(checkpoint),
            origin.get("transform"),
            tuple(origin.get("classes") or ()),
            checkpoint["state_dict"],
        )

    @classmethod
    def _published(cls, model: str, name: str) -> StartingWeights:
        try:
            record = weights_record(model, name)
        except ZooError as error:
            raise ZooError(f"{error}; or give --weights the file of a checkpoint") from None
        published = read_published(model, record.weights)
        return cls(
            {"name": record.weights, "sha256": record.sha256},
            _shaping(record.arguments),
            record.data,
            record.data_arguments,
            published.transform,
            tuple(record.classes),
            published.tensors,
        )

    @property
    def name(self) -> str:
        """Their name, or file."""
        return self.origin.get("name") or self.origin["file"]

    def load_into(self, network: Task, classes: Sequence[str]) -> str | None:
        """Load the weights into a network, except for those of the head if it has other classes.

        Args:
            network: The network.
            classes: Names of the classes of the data; empty if it has no names.

        Returns:
            Why the head is new, None if it is not.

        Raises:
            ZooError: Another layer does not fit.
        """
        found, own = self.arguments.get("num_classes"), network.hparams.get("num_classes")
        reason = None
        if found != own and network.head:
            reason = f"head {network.head} is new: {own} classes instead of {found}"
        elif self.classes and classes and self.classes != tuple(map(str, classes)) and network.head:
            reason = f"head {network.head} is new: the weights are for other classes, such as {self.classes[0]}"
        needs = [
            f"{name} {value}, not {network.hparams[name]}"
            for name, value in self.arguments.items()
            if name != "num_classes" and network.hparams.get(name, value) != value
        ]
        remedy = f"they need {' and '.join(needs)}; give such data and options, or omit --weights"
        load_tensors(network, self.tensors, bool(reason), f"weights {self.name} do not fit this run", remedy)
        return reason


def _shaping(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name not in OF_TRAINING}
