"""All networks at a glance: their table, and the page that compares them."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from pages import charts
from pages.facts import Network
from pages.layers import layers
from pages.markdown import DOCS, hidden_toctree, raw, sortable, write
from zoo.registry import MODELS, model_row

GROUPS = {
    "Perceptrons": ("slp", "mlp", "fcnet", "ffnn", "xor"),
    "Convolutions": ("digits_cnn", "cifar_cnn", "convnet"),
    "Recurrent networks": ("rnn", "lstm", "lstm_cell", "bilstm_sentiment"),
    "Regression": ("linear", "custom_function"),
}
"""The networks of the table, by kind; networks without a group come last."""

DOCUMENT = (
    'Where these pages speak of "the document", they mean the tutorial or page that a network comes from; its card '
    "names it."
)


def write_pages() -> None:
    """Write these pages."""
    write(DOCS / "networks" / "index.md", index())
    write(DOCS / "compare.md", compare())


def groups() -> Iterator[tuple[str, list[str]]]:
    """Return the networks of the registry by kind."""
    known = {name for names in GROUPS.values() for name in names}
    for group, names in {**GROUPS, "Others": tuple(name for name in MODELS if name not in known)}.items():
        if present := [name for name in names if name in MODELS]:
            yield group, present


def index() -> str:
    """Return the page with the table of all networks."""
    return (
        "# Networks\n\nEvery network with its page: its code, its published weights, and the run that they come from. "
        "[Compare](../compare.md) draws them against each other.\n"
        + f"\n{DOCUMENT}\n"
        + networks_table("")
        + hidden_toctree(name for _, names in groups() for name in names)
    )


def networks_table(folder: str) -> str:
    """Return a table of all networks that can be sorted, for a page from which their pages are in a folder."""
    rows = []
    for group, names in groups():
        for name in names:
            n = Network(name)
            row, record = model_row(name), n.record
            accuracy = record.metrics["test"].get("acc", 0.0) if record else 0.0
            rows.append(
                (
                    (f'<a href="{folder}{name}.html"><code>{name}</code></a>', name),
                    (escape(row.summary), row.summary),
                    (charts.short(n.parameters), n.parameters),
                    (f"{accuracy:.4f}" if accuracy else "–", accuracy),
                    (row.data, row.data),
                    (group.removesuffix("s").removesuffix(" network"), group),
                )
            )
    return sortable(("network", "what it is", "parameters", "test accuracy", "data", "kind"), rows, "zoo-networks")


def compare() -> str:
    """Return the page that sets all networks against each other."""
    rows, by_size, by_time = [], [], []
    for name in MODELS:
        n = Network(name)
        record, run = n.record, n.run
        if not (record and run):
            continue
        flops = sum(layer.flops for layer in layers(n.model))
        accuracy = record.metrics["test"].get("acc")
        rows.append(
            (
                (f'<a href="networks/{name}.html"><code>{name}</code></a>', name),
                (record.data, record.data),
                (charts.short(n.parameters), n.parameters),
                (charts.short(flops) if flops else "–", flops),
                (f"{run['microseconds']:,.0f}", run["microseconds"]),
                (f"{record.epochs:,}", record.epochs),
                (f"{accuracy:.4f}" if accuracy else "–", accuracy or 0),
            )
        )
        if accuracy and record.data == "mnist":
            by_size.append((n.parameters, accuracy, name))
            by_time.append((run["microseconds"], accuracy, name))
    size = (560, 330)
    header = ("network", "data", "parameters", "FLOPs", "µs per input", "published epoch", "test accuracy")
    return "".join(
        [
            "# Compare\n\nThe networks that are trained on MNIST, by their accuracy on its test set.\n",
            raw(
                '<div class="zoo-charts">'
                + charts.scatter(by_size, "parameters", "test accuracy", True, size, "networks/{}.html")
                + charts.scatter(by_time, "µs per input", "test accuracy", True, size, "networks/{}.html")
                + "</div>"
            ),
            "\n## All networks\n\nClick a column to sort by it. The time is that of one input alone, the median on one "
            "thread of the machine that wrote `docs/runs`; texts have 100 words.\n",
            sortable(header, rows),
            "\nThe digit networks also answer on the [drawing page](draw.md). [Reproduction](reproduction.md) has "
            "the mean and standard deviation of five seeds.\n",
        ]
    )
