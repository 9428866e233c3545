"""Networks on the Hugging Face Hub, with the mixin of huggingface_hub. Requires ``lightning-zoo[hub]``."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from zoo.checkpoints.consistency import check_repository
from zoo.errors import ZooError
from zoo.factory import build_model, name_of
from zoo.registry import models
from zoo.support.console import one_line
from zoo.support.files import open_file, read_bytes
from zoo.support.tables import sort_metrics
from zoo.tasks import Task, class_path
from zoo.transforms import from_spec
from zoo.weights import WeightsRecord, find_record

try:
    from huggingface_hub import EvalResult, ModelCard, ModelCardData, PyTorchModelHubMixin, hf_hub_download
except ImportError:
    raise ZooError("zoo.hub requires huggingface_hub: pip install 'lightning-zoo[hub]'") from None

LARGEST_CONFIG = 100_000_000
"""Largest size of a config.json, in bytes. It may contain a vocabulary."""

CARD = """---
{{ card_data }}
---

# {{ name }}

{{ card }}

```python
from zoo import hub

model = hub.from_pretrained("{{ repo_id | default("this repository", true) }}")
labels, probabilities = model.predict(...)
```

Classes: {{ classes or "none" }}
{% if record %}
## Training

Trained on `{{ record.data }}`{% if arguments %} ({{ arguments }}){% endif %}, whose license is {{ record.license }},
for {{ record.epochs }} epochs ({{ record.steps }} steps), by
`{{ record.command }}`.

| split | examples | {{ names | join(" | ") }} |
|---|---|{{ "---|" * names | length }}
{% for split, values in record.metrics.items() -%}
| {{ split }} | {{ record.sizes[split] }} | {% for name in names -%}
{{ "%.4f" | format(values[name]) if name in values else "–" }} | {% endfor %}
{% endfor %}{% endif %}"""

METRICS = {"acc": "accuracy", "mae": "mae"}
"""Names of the metrics on the Hub."""

LICENSES = ("mit", "cc0-1.0", "cc-by-4.0", "cc-by-sa-3.0")
"""Identifiers of licenses on the Hub."""


class HubModel(nn.Module, PyTorchModelHubMixin, library_name="lightning-zoo", model_card_template=CARD):
    """A network of the zoo with everything needed to rebuild and use it.

    Args:
        name: Name of the network in the registry.
        arguments: Arguments of its class.
        transform: Its transform, as returned by :meth:`zoo.transforms.Transform.spec`.
        classes: Names of the classes.
    """

    def __init__(
        self,
        name: str,
        arguments: dict[str, Any],
        transform: dict[str, Any] | None = None,
        classes: list[str] | None = None,
    ) -> None:
        super().__init__()
        self.network = build_model(name, **arguments)
        self.network.transform = from_spec(transform) if transform else None
        self.network.classes = tuple(classes or ())

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the network."""
        output: Tensor = self.network(x)
        return output

    def generate_model_card(self, *, record: WeightsRecord | None = None, **texts: Any) -> ModelCard:
        """Return the model card. The record of published weights is also added as metadata of the Hub."""
        if not record:
            return super().generate_model_card(record=None, **texts)
        measured = record.metrics["test"]
        arguments = ", ".join(f"{name} {value}" for name, value in record.data_arguments.items())
        card = super().generate_model_card(record=record, names=sort_metrics(measured), arguments=arguments, **texts)
        license_id = record.license.lower().replace(" ", "-")
        results = [
            EvalResult("other", record.data, record.data, METRICS[name], round(value, 4), dataset_split="test")
            for name, value in measured.items()
            if name in METRICS
        ]
        card.data = ModelCardData(
            library_name=card.data.get("library_name"),
            tags=card.data.get("tags"),
            license=license_id if license_id in LICENSES else "other",
            license_name=record.license,
            datasets=[record.data],
            metrics=[result.metric_type for result in results],
            model_name=f"{record.model}-{record.weights}",
            eval_results=results,
        )
        return card

    @classmethod
    def from_pretrained(cls, *args: Any, **options: Any) -> Any:
        """Raise ZooError: the mixin's own way would unpickle the weights of a repository without safetensors."""
        raise ZooError("load networks with zoo.hub.from_pretrained, which never unpickles")


def save_pretrained(model: Task, folder: str | Path) -> None:
    """Save the weights, the configuration and the model card of a network to a folder, in the format of the Hub.

    Raises:
        ZooError: The network is not in the registry.
    """
    _for_hub(model).save_pretrained(folder, model_card_kwargs=_card(model))


def push_to_hub(model: Task, repo_id: str, **options: Any) -> None:
    """Upload a network to a repository of the Hub.

    Args:
        model: The network.
        repo_id: The repository, ``user/name``.
        **options: Further arguments of huggingface_hub's ``push_to_hub``, such as ``private`` and ``token``.

    Raises:
        ZooError: The network is not in the registry.
    """
    _for_hub(model).push_to_hub(repo_id, model_card_kwargs={**_card(model), "repo_id": repo_id}, **options)


def from_pretrained(name: str | Path, **options: Any) -> Task:
    """Load a network from a repository of the Hub, or from a folder, in evaluation mode. Nothing is unpickled.

    Args:
        name: The repository, ``user/name``, or the folder.
        **options: Further arguments of huggingface_hub's ``hf_hub_download``, such as ``revision`` and ``token``.

    Raises:
        ZooError: The repository does not exist, is damaged, or does not contain a network of the zoo.
    """
    try:
        path = _file(name, "model.safetensors", options)
        config = json.loads(read_bytes(_file(name, "config.json", options), LARGEST_CONFIG))
        open_file(path).close()  # raises an error for a pipe, on which safetensors would block
        tensors = {key.removeprefix("network."): value for key, value in load_file(path).items()}
        check_repository(config, tensors)
    except (OSError, ValueError, RecursionError, SafetensorError) as error:
        raise ZooError(f"{name} does not contain a network of the zoo ({one_line(error)[:200]})") from None
    model = HubModel(**{key: config.get(key) for key in ("name", "arguments", "transform", "classes")}).network
    model.load_state_dict(tensors)
    return model.eval()


def _file(name: str | Path, file: str, options: dict[str, Any]) -> Path:
    """Return the path of a file in a folder, or of a repository, from which it is downloaded."""
    return Path(name, file) if Path(name).is_dir() else Path(hf_hub_download(str(name), file, **options))


def _name(model: Task) -> str:
    if name := name_of(class_path(model), models()):
        return name
    raise ZooError(f"{type(model).__name__} is not in the registry; only registered networks can be shared")


def _for_hub(model: Task) -> HubModel:
    transform = model.transform.spec() if model.transform else None
    packed = HubModel(name=_name(model), arguments=dict(model.hparams), transform=transform, classes=[*model.classes])
    packed.network.load_state_dict(model.state_dict())
    return packed


def _card(model: Task) -> dict[str, Any]:
    card = inspect.cleandoc(type(model).__doc__ or "").partition("\nArgs:")[0]
    classes = ", ".join(model.classes)
    return {"name": _name(model), "card": card, "classes": classes, "record": find_record(_name(model), model)}
