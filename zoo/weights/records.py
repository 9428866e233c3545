"""The records of published weights: where they come from, and how good they are."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zoo.errors import ZooError, suggestion
from zoo.registry import model_row
from zoo.support.files import read_bytes

if TYPE_CHECKING:
    from torch import Tensor

    from zoo.tasks import Task

FOLDER = Path(__file__).parent

LARGEST_RECORD = 1_000_000
"""Bytes of a record."""


@dataclass(frozen=True)
class WeightsRecord:
    """Where published weights come from, and what they are worth.

    Attributes:
        model: Name of the network.
        weights: Name of the weights.
        arguments: Arguments of the network's class, by name.
        data: Name of the data set.
        data_arguments: Arguments of the data module's class that decide on inputs and splits, by name.
        sizes: Number of examples in each split. Trained was on ``train``; ``val``, if any, chose the epoch.
        metrics: By split, by name.
        epochs: Passes over the training examples.
        steps: Updates.
        seed: Seed of the run.
        command: What was run.
        versions: Of what it was run with; of newer runs also the number of threads, and the processor.
        preprocessing: What makes a picture, a text or a row an input, see :mod:`zoo.transforms`; a vocabulary is in the
            weights file.
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

    def write(self) -> Path:
        """Write the record beside its weights, and return its path."""
        path = self.file.with_suffix(".json")
        path.write_text(json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        return path

    def read(self) -> tuple[dict[str, Tensor], dict[str, str]]:
        """Return the tensors by name, and the texts that go with them. Nothing is unpickled.

        Raises:
            ZooError: The file is missing, or is not the one that was published.
        """
        from safetensors import SafetensorError, safe_open

        try:
            found = hashlib.sha256(self.file.read_bytes()).hexdigest()
        except OSError as error:
            raise ZooError(f"{self.file} cannot be read ({error.strerror}); install the zoo again") from None
        if found != self.sha256:
            raise ZooError(
                f"{self.file} is not what was published: its SHA-256 is {found[:16]}…, expected {self.sha256[:16]}…; "
                "install the zoo again"
            )
        try:
            with safe_open(self.file, "pt") as file:
                return {name: file.get_tensor(name) for name in file.keys()}, dict(file.metadata() or {})  # noqa: SIM118
        except SafetensorError as error:
            raise ZooError(f"{self.file} is no safetensors file ({error}); install the zoo again") from None


def list_weights(model: str) -> list[str]:
    """Return the names of the published weights of a network, sorted. Raises ZooError for an unknown network."""
    model_row(model)
    return sorted(path.stem.removeprefix(f"{model}-") for path in FOLDER.glob(f"{model}-*.json"))


def weights_record(model: str, weights: str = "default") -> WeightsRecord:
    """Return the record of published weights.

    Args:
        model: Name of the network.
        weights: Name of the weights; ``"default"`` are those of the data that the network's document trains it on.

    Raises:
        ZooError: There are none of this name, or the record is damaged.
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
        raise ZooError(f"{path} is damaged ({' '.join(str(error).split())}); install the zoo again") from None


def find_record(model: str, network: Task) -> WeightsRecord | None:
    """Return the record of the published weights that a network of this name has; None if it has learned others."""
    found = network.state_dict()
    for weights in list_weights(model):
        record = weights_record(model, weights)
        tensors, _ = record.read()
        if tensors.keys() == found.keys() and all(value.equal(found[name].cpu()) for name, value in tensors.items()):
            return record
    return None


def _check_record(content: Any) -> None:
    # Here, since it imports torch, and listing the zoo must not.
    from zoo.checkpoints.schema import check_values, count, dict_of, list_of, number, parts, plain, text

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
