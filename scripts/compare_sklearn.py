"""Train on tables and texts in CSV files, and compare with scikit-learn's own networks on the same split.

The tables are those that scikit-learn brings; the texts are from the documentation of scipy and of torch, which every
installation has, and the classes are these two.

    python scripts/compare_sklearn.py

Prints one table, which is in docs/data.md, and exits with 1 if the zoo is more than two points below scikit-learn: of
accuracy for classes, of R² for numbers. Takes a minute, and needs no data.
"""

from __future__ import annotations

import contextlib
import csv
import io
import sys
import tempfile
from pathlib import Path
from typing import Any

from sklearn import datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier

import zoo
from docstrings import labeled_texts
from zoo.commands.cli import main
from zoo.tasks import Task

POINTS = 2.0
"""By how much the zoo may be below."""

HIDDEN = 50
"""Units of the hidden layer of both, documented for ``mlp``."""

NETWORKS = {"iris": "mlp", "wine": "mlp", "breast_cancer": "mlp", "diabetes": "linear"}
"""The network for each table."""

OPTIONS = "--data.target target --trainer.max_epochs 200"
"""Of ``zoo fit``, for tables; all others are as documented."""

TEXT_OPTIONS = "--data.text text --data.target package --data.batch_size 16"
"""The same for texts. They are a fifth of those of the document, and their batches a fourth."""


def write(name: str) -> None:
    """Write a bundled table as a CSV file into the current folder, with the names of its classes."""
    bunch: Any = getattr(datasets, f"load_{name}")()
    target = bunch.target_names[bunch.target] if "target_names" in bunch else bunch.target
    with Path(f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow([*bunch.feature_names, "target"])
        rows.writerows([*features, label] for features, label in zip(bunch.data.tolist(), target.tolist(), strict=True))


def fit(network: str, data: str, name: str, *options: str) -> Task:
    """Train a network on a file by the command line, and return it with the weights of its best checkpoint."""
    words = ["fit", network, "--data", data, "--data.path", f"{name}.csv", *options]
    words += ["--trainer.enable_model_summary", "false", "--baselines", "false"]
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()) as told:
        code = main([*words, "--trainer.accelerator", "cpu", "--out", name])
    if code:
        raise SystemExit(told.getvalue())
    return zoo.load_model(Path(name, f"{network}-{data}", "1", "checkpoints", "best.ckpt"))


def compare(name: str) -> tuple[float, float]:
    """Return the scores of the zoo and of scikit-learn on the test split of a table, in points."""
    write(name)
    model = fit(NETWORKS[name], "csv", name, *OPTIONS.split())
    data = zoo.create_datamodule("csv", path=f"{name}.csv", target="target")
    data.setup()
    (x, y), (test_x, test_y) = (
        data.splits[split].batch([*range(len(data.splits[split]))]) for split in ("train", "test")
    )
    if data.target == "value":
        theirs = LinearRegression().fit(x, y).predict(test_x)
        ours = model.predict(test_x).values
        return 100 * r2_score(test_y, ours), 100 * r2_score(test_y, theirs)
    theirs = MLPClassifier(HIDDEN, max_iter=1000, random_state=0).fit(x, y).predict(test_x)
    ours = model.predict(test_x).values.argmax(1)
    return 100 * accuracy_score(test_y, ours), 100 * accuracy_score(test_y, theirs)


def compare_texts() -> tuple[float, float]:
    """Return the accuracies of the zoo and of scikit-learn on the test split of two classes of texts, in points."""
    with Path("docstrings.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("text", "package"), *labeled_texts()])
    model = fit("bilstm_sentiment", "text", "docstrings", *TEXT_OPTIONS.split())
    parts = zoo.create_datamodule("text", path="docstrings.csv", text="text", target="package").read_texts()
    (texts, y), (test_texts, test_y) = parts["train"], parts["test"]
    words = TfidfVectorizer()
    theirs = MLPClassifier(HIDDEN, max_iter=1000, random_state=0).fit(words.fit_transform(texts), y)
    ours = model.predict(test_texts).values.argmax(1)
    return 100 * accuracy_score(test_y, ours), 100 * theirs.score(words.transform(test_texts), test_y)


def compare_all() -> int:
    """Print the table, and return the exit code."""
    print("| data | network | test score | zoo | scikit-learn |\n|---|---|---|---|---|")
    failed = False
    for name, network in [*NETWORKS.items(), ("docstrings", "bilstm_sentiment")]:
        ours, theirs = compare(name) if name in NETWORKS else compare_texts()
        failed |= ours < theirs - POINTS
        score = "R²" if network == "linear" else "accuracy"
        print(f"| {name} | {network} | {score} | {ours:.1f} | {theirs:.1f} |", flush=True)
    return int(failed)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        sys.exit(compare_all())
