"""The home page, the page to draw on, and the list of the guides."""

from __future__ import annotations

import inspect

import zoo
from pages.facts import Network
from pages.markdown import DOCS, REPOSITORY, command, facts, hidden_toctree, live, raw, write
from pages.networks import drawable
from pages.overview import DOCUMENT, networks_table
from zoo.registry import DATAMODULES, MODELS

TITLE = "The networks everyone learns PyTorch with"

SENTENCE = (
    "Use them from the notebook to the cluster: their numbers are checked against their source wherever it states a "
    "number, runs resume bit for bit, and the code is easy to read."
)

INSTALL = "pip install -e . && python scripts/fit.py --model slp"

GUIDES = {
    "Begin": {
        "guides/first_run": "train a network, read its report, change its options",
        "guides/line_by_line": "the loop that everyone knows, with one part of the zoo after the other",
        "notebooks/first_network": "a notebook: what a perceptron learns, and what it gets wrong",
        "notebooks/own_network": "a notebook: write a network, train it, compare it",
        "guides/python": "networks, weights and data in your own project",
        "guides/classroom": "thirty laptops, offline, the same numbers",
    },
    "Your data": {
        "guides/own_data": "from the first look to the exported network",
        "guides/fine_tune": "begin with trained weights",
        "data": "how pictures, tables and texts are read and split",
        "guides/export": "ONNX, torch.export, safetensors",
    },
    "Runs": {
        "report": "what the numbers mean",
        "guides/resume": "killed at any time, the same in the end",
        "learning_rates": "schedules, warm-up, finding a rate, averages",
        "experiments": "seeds, folds, sweeps",
        "results": "tables of runs, and their curves side by side",
        "trackers": "TensorBoard, MLflow, Weights & Biases, CSV",
    },
    "Scaling up": {
        "cluster": "several processes, many nodes, SLURM",
        "gpu": "what was seen on one, and how to check yours",
        "speed": "why small networks train fast, and the measurements",
    },
    "The zoo": {
        "guides/add_network": "one class, here or in a package of yours",
        "contributing": "tests, style, what a change needs",
        "architecture": "the packages, a run, and where to put what",
        "promises": "what is public, and what a release may change",
        "guides/numbers": "beside those of the documents",
        "reproduction": "five seeds of each network, and public tables",
    },
}
"""The guides by group, each with what it is about."""

WAYS = (
    (
        "You learn",
        "Train your first network in a minute, and see what it gets wrong.",
        (
            ("Your first run", "guides/first_run.md"),
            ("Your first network, a notebook", "notebooks/first_network.ipynb"),
        ),
    ),
    (
        "You teach",
        "Code that fits on a slide, the same numbers on every laptop, without internet in the room.",
        (("In a classroom", "guides/classroom.md"), ("From the document's loop", "guides/line_by_line.md")),
    ),
    (
        "You build",
        "Your own data and networks, killed and resumed, on a laptop or on a cluster.",
        (("Use it in Python", "guides/python.md"), ("From a laptop to a cluster", "cluster.md")),
    ),
)

UNIQUE = (
    (
        "A killed run ends as if nothing had happened",
        "Resumed at any step, bit for bit: weights, optimizer, schedule, the order of examples, augmentation. "
        "Runs were killed 200 times at random moments; none ended differently.",
        "guides/resume.md",
        ("asked for in Lightning #19764", "https://github.com/Lightning-AI/pytorch-lightning/issues/19764"),
    ),
    (
        "Evaluation counts every example once",
        "On any number of processes: nothing is padded, repeated or left out, and eight processes give the same "
        "result as one.",
        "cluster.md",
        ("asked for in Lightning #7929", "https://github.com/Lightning-AI/pytorch-lightning/issues/7929"),
    ),
    (
        "Weights come with their recipe",
        "Each published file has its command, seed, versions, metrics and checksum. One command measures them again.",
        "reproduction.md",
        ("asked for in timm #654", "https://github.com/huggingface/pytorch-image-models/issues/654"),
    ),
)


def write_pages() -> None:
    """Write these pages."""
    write(DOCS / "index.md", home())
    write(DOCS / "draw.md", draw())
    contributing = (REPOSITORY / "CONTRIBUTING.md").read_text(encoding="utf-8")
    write(DOCS / "contributing.md", contributing.replace("](docs/", "]("))
    write(DOCS / "guides" / "index.md", guides())


def home() -> str:
    """Return the home page."""
    digits = [network for network in map(Network, MODELS) if drawable(network)]
    best = max(digits, key=lambda n: n.record.metrics["test"]["acc"])
    yours = sum(row.license.startswith("yours") for row in DATAMODULES.values())
    published = sum(len(zoo.list_weights(name)) for name in MODELS)
    size = sum(Network(name).record.file.stat().st_size for name in MODELS if zoo.list_weights(name)) / 1e6
    longest = max(len(inspect.getsource(inspect.getmodule(Network(name).cls)).splitlines()) for name in MODELS)
    cards = "".join(
        f":::{{grid-item-card}} {title}\n{text}\n\n" + "  \n".join(f"[{name}]({to})" for name, to in links) + "\n:::\n"
        for title, text, links in WAYS
    )
    unique = "".join(
        f":::{{grid-item-card}} {title}\n{text}\n\n[How]({to}) · [{name}]({url})\n:::\n"
        for title, text, to, (name, url) in UNIQUE
    )
    return "".join(
        [
            f"# {TITLE}\n\nA zoo of {len(MODELS)} classic PyTorch networks as Lightning modules, with weights. "
            f"Draw a digit: {len(digits)} of them answer.\n",
            live("zoo-draw", "draw/"),
            f"\n{{.zoo-lead}}\n{SENTENCE}\n",
            command(INSTALL),
            "\n[Install](guides/first_run.md#install) tells how to get the source, and what to do without a GPU.\n",
            facts(
                [
                    (str(len(MODELS)), f"networks, the longest of {longest} lines"),
                    (str(len(DATAMODULES) - yours), f"data sets, and {yours} ways to bring yours"),
                    (f"{published}, {size:.0f} MB", "published weights, in the package"),
                    (f"{best.record.metrics['test']['acc']:.4f}", f"best MNIST test accuracy ({best.name})"),
                ]
            ),
            "\n## The networks\n",
            networks_table("networks/"),
            f"\n{DOCUMENT}\n",
            "\n## What no other zoo has\n\n::::{grid} 1 1 3 3\n:gutter: 3\n" + unique + "::::\n",
            "\n## Three ways in\n\n::::{grid} 1 1 3 3\n:gutter: 3\n" + cards + "::::\n",
            hidden_toctree(["draw", "networks/index", "datasets/index", "guides/index", "compare", "reference/index"]),
        ]
    )


def draw() -> str:
    """Return the page to draw, to type and to drop files on."""
    return "".join(
        [
            "# Draw a digit\n\nAll digit networks answer while you draw, in your browser: nothing leaves it.\n",
            live("zoo-draw", "draw/"),
            "\n## Write a film review\n\n[bilstm_sentiment](networks/bilstm_sentiment.md), trained on IMDB's reviews, "
            "says whether yours is negative or positive.\n",
            live('zoo-try network="bilstm_sentiment"', "draw/"),
            "\n## Bring your own network\n\nTrained on pictures, texts or tables: `zoo export --format onnx` writes a "
            "file that tells how its inputs are made and what its classes are called ([Export](guides/export.md)).\n",
            live("zoo-try", "draw/"),
            raw('<p>Also as <a href="draw/draw-a-digit.html" download>one file</a>, which opens by double click.</p>'),
        ]
    )


def guides() -> str:
    """Return the list of the guides."""
    parts = ["# Guides\n"]
    for group, pages in GUIDES.items():
        parts += [f"\n## {group}\n\n", *(f"- {{doc}}`/{name}`: {about}\n" for name, about in pages.items())]
    return "".join(parts) + "".join(hidden_toctree([f"/{n}" for n in pages], group) for group, pages in GUIDES.items())
