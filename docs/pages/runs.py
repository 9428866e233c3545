"""The run that published weights come from, and what they do on the test set."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

from pages import charts
from pages.counts import confusion
from pages.facts import Network
from pages.markdown import command, raw, table

FEWER = 5
"""Texts, where pictures would be twice as many."""


def published_run(n: Network) -> str:
    """Return the section of a network's page on its published run."""
    run, record = n.run, n.record
    if not (run and record):
        return ""
    measured = "acc" if "acc" in run["test"] else "loss"
    here, there = run["test"][measured], record.metrics["test"][measured]
    same = "with the same test metrics as the published weights"
    if run["test"] != record.metrics["test"]:
        same = (
            f"with a test {measured} of {here:.4f}; the published weights, trained with torch "
            f"{record.versions['torch'].partition('+')[0]}, have {there:.4f}"
        )
    version = run["versions"]["torch"].partition("+")[0]
    said = (
        f"\n## The published run\n{command(record.command)}\nRepeated with torch {version} on one thread, {same}. "
        f"The published weights are from epoch {record.epochs:,}.\n"
    )
    parts = [said, raw(charts.curves(n.metrics, "val" not in record.sizes))]
    if "confusion" in run:
        mistakes = run["mistakes"] if "picture" in run["mistakes"][0] else run["mistakes"][:FEWER]
        parts += [
            "\n### Confusion\n\nOf the published weights on the test set: true classes down, predicted ones across.\n",
            raw(confusion(run["confusion"], record.classes)),
            "\n### Its surest mistakes\n",
            raw(examples((one, _mistake(one)) for one in mistakes)),
        ]
    elif n.learned:
        parts += [
            "\n### What it learned\n",
            table(
                ("weight", "values"),
                ([f"`{name}`", ", ".join(f"{v:.4f}" for v in values)] for name, values in n.learned.items()),
            ),
        ]
        if len(run["points"]) > len(run["rows"]):
            points = [(*point, "") for point in run["points"]]
            parts += [raw(charts.scatter(points, "true value of the test set", "predicted", False))]
        else:
            rows = [
                [row, f"{true:g}", f"{value:.4f}"]
                for row, (true, value) in zip(run["rows"], run["points"], strict=True)
            ]
            parts += [table(("input", "target", "probability of 1"), rows)]
    return "".join(parts)


def _mistake(one: dict[str, Any]) -> str:
    return f"<b>{escape(one['true'])}</b> taken for <b>{escape(one['predicted'])}</b>, {one['probability']:.0%}"


def examples(shown: Iterable[tuple[dict[str, Any], str]]) -> str:
    """Return pictures or texts as HTML, each with a line below it; texts as a network sees them."""
    pictures, texts = [], []
    for one, line in shown:
        if "picture" in one:
            picture = f'<img alt="" src="data:image/png;base64,{one["picture"]}">'
            pictures.append(f"<figure>{picture}<figcaption>{line}</figcaption></figure>")
        else:
            texts.append(f"<blockquote>{escape(one['text'])}<footer>{line}</footer></blockquote>")
    if texts:
        texts.append("<p>As a network sees them: [UNK] is a word that its vocabulary does not have.</p>")
    kind = "zoo-pictures" if pictures else "zoo-texts"
    return f'<div class="{kind}">{"".join(pictures + texts)}</div>'
