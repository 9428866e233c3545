"""What is known of a network or a data set: its card, options and layers, its record and the run of its weights."""

from __future__ import annotations

import csv
import inspect
import json
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from docstring_parser import parse

import zoo
from pages.markdown import DOCS
from zoo.factory import model_class
from zoo.registry import model_row
from zoo.support.signatures import arguments_of
from zoo.tasks import Task

LABELS = ("Source", "Input", "Output", "Target", "Differs from the document")


@dataclass(frozen=True)
class Option:
    """An argument of a network or a data module.

    Attributes:
        name: Its name.
        type: Its type, as in the signature.
        default: Its default, as code; empty if it must be given.
        text: What its docstring says.
        shared: Whether it belongs to a base class.
    """

    name: str
    type: str
    default: str
    text: str
    shared: bool


def card(cls: type) -> tuple[str, dict[str, str]]:
    """Return the prose of a class's docstring, and its labelled paragraphs by label."""
    doc = inspect.cleandoc(cls.__doc__ or "").split("\nArgs:\n")[0]
    parts = re.split(rf"(?m)(?:^|(?<=\. ))({'|'.join(LABELS)}): ", doc)
    labelled = zip(parts[1::2], parts[2::2], strict=True)
    joined = {name: " ".join(re.sub(r"(?<=\w-)\n", "", text).split()) for name, text in labelled}
    return parts[0].strip(), {name: text[:1].upper() + text[1:] for name, text in joined.items()}


def options(cls: type) -> list[Option]:
    """Return every argument of a class, those of its base classes included, as ``zoo fit NAME --help`` lists them."""
    bases = [base for base in cls.__mro__ if "__init__" in vars(base)]
    signatures = [(base, inspect.signature(vars(base)["__init__"]).parameters) for base in bases]
    described = [(base, _described(base)) for base in cls.__mro__]
    found = []
    for name in arguments_of(cls):
        owner, parameter = next((base, known[name]) for base, known in signatures if name in known)
        text = next((texts[name] for _, texts in described if name in texts), "")
        default = "" if parameter.default is parameter.empty else repr(parameter.default)
        found.append(Option(name, str(parameter.annotation), default, text, owner is not cls))
    return found


@cache
def _described(cls: type) -> dict[str, str]:
    """Return what a docstring says of each argument; what it leaves to a base class is not among them."""
    params = parse(inspect.cleandoc(cls.__doc__ or "")).params
    texts = {p.arg_name: " ".join((p.description or "").split()) for p in params if p.args[0] == "param"}
    return {
        name: text for names, text in texts.items() for name in names.split(", ") if not text.startswith("See :class:")
    }


@dataclass(frozen=True)
class Network:
    """All that the pages tell of a network."""

    name: str

    @property
    def cls(self) -> type[Task]:
        """Its class."""
        return model_class(self.name)

    @property
    def model(self) -> Task:
        """The network, untrained."""
        return _model(self.name)

    @property
    def parameters(self) -> int:
        """Number of its parameters."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def record(self) -> zoo.WeightsRecord | None:
        """The record of its published weights, if it has some."""
        return zoo.weights_record(self.name) if model_row(self.name).data in zoo.list_weights(self.name) else None

    @property
    def run(self) -> dict[str, Any] | None:
        """What its published weights do on the test set, which scripts/published_runs.py writes; None if unknown."""
        path = DOCS / "runs" / f"{self.name}.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None

    @property
    def metrics(self) -> list[dict[str, str]]:
        """The rows of that run's metrics.csv."""
        with (DOCS / "runs" / f"{self.name}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    @property
    def documented(self) -> str:
        """What the document says that it reaches, as docs/reproduction.md has it; empty if it says nothing."""
        found = re.search(rf"(?m)^\| `{self.name}` \| [^|]* \| ([^|]*) \|", _reproduction())
        return "" if not found or found[1] == "–" else found[1]

    @property
    def learned(self) -> dict[str, list[float]]:
        """The published weights by name, if they are few."""
        if self.parameters > 16 or not self.record:
            return {}
        return {name: tensor.flatten().tolist() for name, tensor in self.record.read()[0].items()}

    def result(self) -> tuple[str, str]:
        """Return what it reaches, beside what the document says, and what that number is."""
        record, said = self.record, self.documented
        if not record:
            return "–", "no published weights"
        if said.endswith(" train"):
            return f"document {said.removesuffix(' train')} → zoo {record.metrics['train']['acc']:.4f}", (
                "training accuracy, evaluated at the end"
            )
        if "acc" in record.metrics["test"]:
            return f"{record.metrics['test']['acc']:.4f}", "test accuracy"
        values = ", ".join(f"{value:.3f}" for each in self.learned.values() for value in each)
        wanted = said.removeprefix("weights ").partition(";")[0]
        return (f"document {wanted} → zoo {values}" if wanted else values), "learned weights"


@cache
def _model(name: str) -> Task:
    torch.manual_seed(0)
    return zoo.create_model(name)


@cache
def _reproduction() -> str:
    return (DOCS / "reproduction.md").read_text(encoding="utf-8")
