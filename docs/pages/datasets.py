"""A page for each data set."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from pages import charts
from pages.facts import card, options
from pages.markdown import DOCS, code, definitions, from_docstring, hidden_toctree, raw, table, write
from pages.networks import options_table
from zoo.factory import datamodule_class
from zoo.registry import DATAMODULES, MODELS

FOLDER = DOCS / "datasets"

LAYOUTS = {
    "mnist": "data/MNIST/raw/\n├── train-images-idx3-ubyte    (or .gz)\n├── train-labels-idx1-ubyte\n"
    "├── t10k-images-idx3-ubyte\n└── t10k-labels-idx1-ubyte",
    "fashion_mnist": "data/FashionMNIST/raw/\n├── train-images-idx3-ubyte    (or .gz)\n├── train-labels-idx1-ubyte\n"
    "├── t10k-images-idx3-ubyte\n└── t10k-labels-idx1-ubyte",
    "cifar10": "data/cifar-10-batches-py/\n├── data_batch_1 … data_batch_5\n└── test_batch",
    "celeba": "data/celeba/\n├── img_align_celeba/000001.jpg …\n├── list_attr_celeba.txt\n└── list_eval_partition.txt",
    "imdb": "data/aclImdb/\n├── train/pos/*.txt\n├── train/neg/*.txt\n├── test/pos/*.txt\n└── test/neg/*.txt",
    "folder": "pets/                or, divided already:    pets/\n├── cat/*.jpg                                ├── train/cat/*.jpg …\n"
    "└── dog/*.jpg                                ├── val/…\n                                             └── test/…",
    "csv": "flowers.csv\n\nwidth,height,species\n5.1,3.5,setosa\n6.2,2.9,versicolor",
    "text": "reviews.csv, with a column of texts        or    reviews/\nreview,label                                     ├── bad/*.txt\n"
    "a fine film,good                                 └── good/*.txt\na dull film,bad",
}
"""The files of each data set that has some; ``tests/data_files.py`` writes them."""

HOW = {
    "mnist": "Downloaded when it is first used, or before: `zoo prepare mnist`.",
    "fashion_mnist": "Downloaded when it is first used, or before: `zoo prepare fashion_mnist`.",
    "cifar10": "Downloaded when it is first used, or before: `zoo prepare cifar10`.",
    "imdb": "Downloaded when it is first used, or before: `zoo prepare imdb`.",
    "celeba": "Its publisher does not allow downloads by programs: fetch the files from the publisher's page, and put them as "
    "below.",
    "digits": "Part of scikit-learn, which is installed with the zoo: nothing is downloaded.",
}
"""How to get each data set; the others are generated or yours."""

STARTS = {
    "arrays": 'import torch\n\nx, y = torch.rand(100, 1, 28, 28), torch.randint(0, 10, (100,))\ndata = zoo.create_datamodule("arrays", x_train=x, y_train=y)',
    "dataset": "from torch.utils.data import TensorDataset\n\nimport torch\n\npairs = TensorDataset(torch.rand(100, 784), torch.randint(0, 10, (100,)))\n"
    'data = zoo.create_datamodule("dataset", train=pairs)',
    "folder": 'data = zoo.create_datamodule("folder", root="pets")',
    "csv": 'data = zoo.create_datamodule("csv", path="flowers.csv", target="species")',
    "text": 'data = zoo.create_datamodule("text", path="reviews.csv", text="review", target="label")',
}
"""How data of one's own is given in Python."""


def write_pages() -> None:
    """Write a page for each data set of the registry, and the table of all."""
    for name in DATAMODULES:
        write(FOLDER / f"{name}.md", page(name))
    rows = []
    for name, row in DATAMODULES.items():
        found = sample(name)
        sizes = " / ".join(f"{size:,}" for size in found["sizes"].values()) if found else "–"
        rows.append(
            [
                f"[{name}]({name}.md)",
                from_docstring(row.summary),
                sizes,
                len(found["classes"]) or "–" if found else "–",
                row.license,
            ]
        )
    write(
        FOLDER / "index.md",
        "# Data sets\n\nBuilt in, generated, or your own. Sizes are training / validation / test; where there are two, the test "
        "set is also used for validation, as in the documents.\n"
        + table(("data set", "what it is", "examples", "classes", "license"), rows)
        + "\n[Your own data](../data.md) tells how pictures, tables and texts are read and split.\n"
        + hidden_toctree(DATAMODULES),
    )


def sample(name: str) -> dict[str, Any] | None:
    """Return the sizes and some examples of a data set, as scripts/published_runs.py wrote them; None if there are none."""
    path = DOCS / "samples" / f"{name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def page(name: str) -> str:
    """Return the page of a data set."""
    cls, row, found = datamodule_class(name), DATAMODULES[name], sample(name)
    prose, labelled = card(cls)
    trained = [model for model, of in MODELS.items() if of.data == name]
    parts = [f"# {name}\n\n{from_docstring(prose)}\n"]
    if found:
        parts += [_examples(found)]
    parts += ["\n## How to get it\n"]
    if name in HOW:
        parts += [f"\n{HOW[name]}\n"]
    if name in LAYOUTS:
        parts += [code(LAYOUTS[name])]
    parts += [code("import zoo\n\n" + STARTS.get(name, f'data = zoo.create_datamodule("{name}")'), "python")]
    if name not in STARTS:
        parts += [code(f"zoo check {name}" + (f"\nzoo fit {trained[0]} --data {name}" if trained else ""))]
    known = {"License": row.license, **{label: from_docstring(text) for label, text in labelled.items()}}
    if trained:
        known["Networks trained on it"] = ", ".join(f"[{model}](../networks/{model}.md)" for model in trained)
    parts += [
        "\n## The card\n",
        definitions(known.items()),
        "\n## Options\n\nOn the command line, `--data.NAME`.\n",
        options_table(options(cls)),
        "\n## Class\n" + code(f".. autoclass:: zoo.datamodules.{cls.__name__}\n   :show-inheritance:", "{eval-rst}"),
    ]
    return "".join(parts)


def _examples(found: dict[str, Any]) -> str:
    sizes = ", ".join(f"{size:,} {split}" for split, size in found["sizes"].items())
    parts = [f"\n{sizes}.\n"]
    if "examples" in found:
        cells = []
        for one in found["examples"]:
            name = escape(one["class"])
            if "picture" in one:
                picture = f'<img alt="{name}" src="data:image/png;base64,{one["picture"]}">'
                cells.append(f"<figure>{picture}<figcaption>{name}</figcaption></figure>")
            else:
                cells.append(f"<blockquote>{escape(one['text'])}<footer><b>{name}</b></footer></blockquote>")
        kind = "zoo-pictures" if "picture" in found["examples"][0] else "zoo-texts"
        parts += ["\n## Examples\n", raw(f'<div class="{kind}">{"".join(cells)}</div>')]
    else:
        width = len(found["rows"][0])
        header = [*(f"input {n + 1}" for n in range(width - 1)), "target"]
        parts += ["\n## Rows\n", table(header, ([f"{value:g}" for value in row] for row in found["rows"]))]
    if "counts" in found:
        counts = dict(zip(found["classes"], found["counts"], strict=True))
        parts += ["\n## Classes\n\nExamples of the training split.\n", raw(charts.bars(counts))]
    return "".join(parts)
