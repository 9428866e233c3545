"""A page for each network."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import zoo
from pages import charts
from pages.diagram import diagram
from pages.facts import Network, Option, card, options
from pages.layers import Layer, example, layers
from pages.markdown import (
    DOCS,
    REPOSITORY,
    code,
    command,
    definitions,
    facts,
    from_docstring,
    live,
    raw,
    table,
    tabs,
    write,
)
from pages.runs import published_run
from zoo.registry import MODELS, model_row
from zoo.tasks import Task

FOLDER = DOCS / "networks"

INPUTS = {
    "image": ('Image.open("photo.png")', "photo.png", "from PIL import Image\n"),
    "text": ('"One of the best films I have ever seen."', '"One of the best films I have ever seen."', ""),
    "table": ("[[0, 1]]", "0,1", ""),
}
"""An input by what a network takes, in Python and on the command line, and its import."""


def write_pages() -> None:
    """Write a page for each network of the registry."""
    for name in MODELS:
        write(FOLDER / f"{name}.md", page(Network(name)))


def page(n: Network) -> str:
    """Return the page of a network."""
    prose, labelled = card(n.cls)
    first, _, rest = prose.partition("\n\n")
    found = layers(n.model)
    parts = [
        f"# {n.name}\n\n{from_docstring(' '.join(first.split()))}\n",
        facts(_facts(n)),
        tabs(_starts(n)),
        _try_it(n),
        published_run(n),
        "\n## The card\n" + (f"\n{from_docstring(rest)}\n" if rest else ""),
        definitions((label, from_docstring(words)) for label, words in labelled.items()),
        _layers(n, found),
        _code(n.cls),
        _weights(n),
        "\n## Options\n\n`zoo fit " + n.name + " --help` shows them too, as `--model.NAME`.\n",
        options_table(options(n.cls)),
        "\n## Class\n"
        + code(f".. autoclass:: zoo.models.{n.cls.__name__}\n   :members:\n   :show-inheritance:", "{eval-rst}"),
    ]
    return "".join(parts)


def _facts(n: Network) -> list[tuple[str, str]]:
    row, record = model_row(n.name), n.record
    found = [n.result(), (f"{n.parameters:,}", "parameters")]
    if record:
        found += [
            (f"{record.metrics['test']['acc']:.4f}", "test accuracy")
            if "acc" in record.metrics["test"] and n.documented.endswith("train")
            else (f"{record.epochs:,}", "published epoch"),
            (f"{max(1, record.file.stat().st_size // 1000):,} kB", "weights file"),
        ]
    return [*found, (f'<a href="../datasets/{row.data}.html">{row.data}</a>', "trained on")]


def _starts(n: Network) -> list[tuple[str, str]]:
    """Return how to use a network in Python, on the command line and in a loop of one's own."""
    python, words, imports = INPUTS[n.cls.takes]
    loaded = f', weights="{n.record.weights}"' if n.record else ""
    weights = f" --weights {n.record.weights}" if n.record else ""
    answer = "labels, probabilities" if "num_classes" in n.model.hparams else "values"
    shape = ", ".join(map(str, (8, *n.model.example_input_array.shape[1:])))
    x = f"torch.randint(1, 100, ({shape}))" if n.cls.takes == "text" else f"torch.rand({shape})"
    target = "torch.rand(8, 1)"
    if "num_classes" in n.model.hparams:
        classes = n.model.hparams["num_classes"]
        target = "torch.randint(0, 2, (8, 1))" if classes == 1 else f"torch.randint(0, {classes}, (8,))"
    loop = f"""
import torch
from zoo.models import {n.cls.__name__}

model = {n.cls.__name__}()
optimizer = torch.optim.SGD(model.parameters(), lr={n.model.hparams["lr"]})
x, target = {x}, {target}  # yours

loss = model.loss(model(x), target)
loss.backward()
optimizer.step()
"""
    return [
        (
            "Python",
            code(
                f'import zoo\n{imports}\nmodel = zoo.create_model("{n.name}"{loaded})\n'
                f"{answer} = model.predict({python})",
                "python",
            ),
        ),
        (
            "Command line",
            code(
                f"zoo predict --model {n.name}{weights} {words}\nzoo test --model {n.name}{weights}\nzoo fit {n.name}\n"
                f"zoo export --model {n.name}{weights} --format onnx --out {n.name}.onnx"
            ),
        ),
        ("Your own loop", code(loop, "python")),
    ]


def drawable(n: Network) -> bool:
    """Return whether a network answers to a drawn digit."""
    return bool(n.record and n.record.preprocessing.get("name") == "Digit")


def _try_it(n: Network) -> str:
    if not n.record:
        return ""
    element = f'zoo-draw networks="{n.name}"' if drawable(n) else f'zoo-try network="{n.name}"'
    return "\n## Try it\n" + live(element, "../draw/")


def _layers(n: Network, found: list[Layer]) -> str:
    took = (*example(n.model).shape[1:],)
    if not found:
        return "\n## Layers\n\nNone: the numbers that it learns are attributes of the network.\n" + table(
            ("parameter", "shape"), ([f"`{name}`", str(tuple(p.shape))] for name, p in n.model.named_parameters())
        )
    shapes = [
        [
            f"`{x.name}`",
            x.kind,
            "×".join(map(str, x.gave)),
            f"{x.parameters:,}",
            charts.short(x.flops) if x.flops else "–",
        ]
        for x in found
    ]
    total = sum(layer.flops for layer in found)
    return "".join(
        [
            "\n## Layers\n",
            raw(diagram([layer for layer in found if layer.parameters], took)),
            table(("layer", "kind", "output", "parameters", "FLOPs"), shapes),
            f"\n{n.parameters:,} parameters; {charts.short(total)} floating-point operations in its layers for an "
            f"input of shape {'×'.join(map(str, took))}, two for each product with a weight.\n",
        ]
    )


def _code(cls: type[Task]) -> str:
    path = Path(inspect.getsourcefile(cls) or "")
    where = path.relative_to(REPOSITORY)
    return (
        f"\n## The code\n\nAll of it: [{where}]({os.path.relpath(path, FOLDER)}).\n"
        f"\n```{{literalinclude}} {os.path.relpath(path, FOLDER)}\n:language: python\n```\n"
    )


def _weights(n: Network) -> str:
    parts = []
    for name in zoo.list_weights(n.name):
        record = zoo.weights_record(n.name, name)
        metrics = list(record.metrics["test"])
        rows = [
            [split, f"{record.sizes[split]:,}", *(f"{values[m]:.4g}" if m in values else "–" for m in metrics)]
            for split, values in record.metrics.items()
        ]
        versions = ", ".join(f"{what} {version}" for what, version in record.versions.items())
        parts += [
            f"\n## Weights `{name}`\n",
            table(("split", "examples", *metrics), rows),
            command(record.command),
            definitions(
                (
                    ("Seed", str(record.seed)),
                    ("Published epoch", f"{record.epochs:,}, after {record.steps:,} steps"),
                    ("Versions", versions),
                    ("SHA-256", f"`{record.sha256}`"),
                    ("License of the data", record.license),
                )
            ),
            f"`zoo test --model {n.name} --weights {name}` measures them again and compares.\n",
        ]
    return "".join(parts)


def options_table(found: list[Option]) -> str:
    """Return the table of the options of a class, its own first."""
    return table(
        ("option", "what it is", "type", "default"),
        (
            [f"`{o.name}`", from_docstring(o.text), f"`{o.type}`", f"`{o.default}`" if o.default else ""]
            for o in sorted(found, key=lambda option: option.shared)
        ),
        "zoo-options",
    )
