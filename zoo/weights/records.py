"""Records of published weights: how they were trained, and their metrics."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError, suggestion
from zoo.registry import model_row
from zoo.support.console import one_line
from zoo.support.files import read_bytes
from zoo.support.html import as_table

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.tasks import Task

FOLDER = Path(__file__).parent

LARGEST_RECORD = 1_000_000
"""Largest size of a record, in bytes."""


@dataclass(frozen=True)
class WeightsRecord:
    """The record of published weights: how they were trained, and their metrics.

    Attributes:
        model: Name of the network.
        weights: Name of the weights.
        arguments: Arguments of the network's class, by name.
        data: Name of the data set.
        data_arguments: Arguments of the data module's class that determine inputs and splits, by name.
        sizes: Number of examples in each split. The epoch was chosen by ``val``, if there is one.
        metrics: Metrics by split and name.
        epochs: Number of epochs.
        steps: Number of optimizer steps.
        seed: Seed of the run.
        command: Command of the run.
        versions: Versions of the software; in newer records also the number of threads and the processor.
        preprocessing: The transform, see :mod:`zoo.transforms`. A vocabulary is in the weights file.
        classes: Names of the classes, by index.
        license: License of the data.
        sha256: Checksum of the weights file.
    """

    model: str
    weights: str
    arguments: dict[str, Any]
    data: str
    data_arguments: dict[str, Any]
    sizes: dict[str, int]
    metrics: dict[str, dict[str, float]]
    epochs: int
    steps: int
    seed: int
    command: str
    versions: dict[str, str]
    preprocessing: dict[str, Any]
    classes: list[str]
    license: str
    sha256: str

    @property
    def file(self) -> Path:
        """The weights file."""
        return FOLDER / f"{self.model}-{self.weights}.safetensors"

    def _repr_html_(self) -> str:
        metrics = {
            split: ", ".join(f"{name} {value:.4f}" for name, value in values.items())
            for split, values in self.metrics.items()
        }
        trained = f"{self.epochs:,} epochs, {self.steps:,} steps, seed {self.seed}"
        facts = {"data": self.data, "license": self.license, "trained": trained, "command": self.command}
        return as_table(f"{self.model}, {self.weights}", {**facts, **metrics, "SHA-256": self.sha256})

    def write(self) -> Path:
        """Write the record next to its weights, and return its path."""
        path = self.file.with_suffix(".json")
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def read(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the tensors and the metadata of the weights file, both by name. Nothing is unpickled.

        Raises:
            ZooError: The file does not exist, or is not the published one.
        """
        from safetensors import SafetensorError, safe_open

        try:
            found = hashlib.sha256(self.file.read_bytes()).hexdigest()
        except OSError as error:
            raise ZooError(f"{self.file} cannot be read ({error.strerror}); reinstall the zoo") from None
        if found != self.sha256:
            raise ZooError(
                f"{self.file} is not the published file: its SHA-256 is {found[:16]}…, expected {self.sha256[:16]}…; "
                "reinstall the zoo"
            )
        try:
            with safe_open(self.file, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
        except SafetensorError as error:
            raise ZooError(f"{self.file} is not a safetensors file ({error}); reinstall the zoo") from None


def list_weights(model: str) -> list[str]:
    """Return the names of the published weights of a network, sorted. Raises ZooError for an unknown network."""
    model_row(model)
    return sorted(path.stem.removeprefix(f"{model}-") for path in FOLDER.glob(f"{model}-*.json"))


def weights_record(model: str, weights: str = "default") -> WeightsRecord:
    """Return the record of published weights.

    Args:
        model: Name of the network.
        weights: Name of the weights. ``"default"`` is the data set of the source document.

    Raises:
        ZooError: The name is unknown, or the record is damaged.
    """
    names = list_weights(model)
    if weights == "default":
        weights = model_row(model).data
    if weights not in names:
        hint = suggestion(weights, names) or (f"; it has {', '.join(names)}" if names else "")
        raise ZooError(f"{model!r} has no published weights {weights!r}{hint}")
    path = FOLDER / f"{model}-{weights}.json"
    try:
        content = json.loads(read_bytes(path, LARGEST_RECORD))
        _check_record(content)
        return WeightsRecord(**content)
    except (OSError, TypeError, ValueError, RecursionError) as error:
        raise ZooError(f"{path} is damaged ({one_line(error)}); reinstall the zoo") from None


def find_record(model: str, network: Task) -> WeightsRecord | None:
    """Return the record of the published weights that equal the weights of a network, None if there are none."""
    found = network.state_dict()
    for weights in list_weights(model):
        record = weights_record(model, weights)
        tensors, _ = record.read()
        if tensors.keys() == found.keys() and all(value.equal(found[name].cpu()) for name, value in tensors.items()):
            return record
    return None


def _check_record(content: Any) -> None:
    # Imported here, since it imports torch, which listing the zoo must not.
    from zoo.checkpoints.validators import check_values, count, dict_of, list_of, number, parts, plain, text

    check_values(content, "it")
    texts = dict.fromkeys(("model", "weights", "data", "command", "license", "sha256"), text)
    plains = dict.fromkeys(("arguments", "data_arguments", "preprocessing"), dict_of(text, plain))
    numbers = dict_of(text, number)
    others = {"metrics": dict_of(text, numbers), "sizes": dict_of(text, count)}
    counts = dict.fromkeys(("epochs", "steps", "seed"), count)
    parts({**texts, **plains, **others, **counts, "versions": dict_of(text, text), "classes": list_of(text)}, {})(
        content, "it"
    )
    parts({"test": numbers}, {})(content["metrics"], "metrics")
