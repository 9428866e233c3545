"""The simple models that a report compares with."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command
from data_files import write_csv, write_folder, write_texts
from every_data import arguments_of_data, small_data
from running import DIGITS, ONE_EPOCH
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from torch import Tensor

import zoo
from zoo.datamodules.common import DataModule, InMemory
from zoo.reports import baselines as module
from zoo.reports.baselines import baselines, compute, fingerprint


def set_up(name: str, **arguments: object) -> DataModule:
    data = zoo.create_datamodule(name, **arguments)
    data.prepare_data()
    data.setup()
    return data


def rows(data: DataModule, split: str) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    x, y = data.splits[split].batch([*range(len(data.splits[split]))])  # type: ignore[index]
    return data.scale(x).flatten(1).numpy(), y.numpy()


def test_they_are_scikit_learns() -> None:
    data = set_up("digits", val_size=0.3)
    (x, y), (test_x, test_y) = rows(data, "train"), rows(data, "test")
    found = baselines(data)
    guess = LogisticRegression(tol=1e-3).fit(x, y).predict(test_x)
    assert found["logistic regression"]["acc"] == pytest.approx(float((guess == test_y).mean()))
    assert found["majority class"]["acc"] == pytest.approx(float((test_y == np.bincount(y).argmax()).mean()))
    table = set_up("quadratic")
    (x, y), (test_x, test_y) = rows(table, "train"), rows(table, "test")
    error = np.abs(LinearRegression().fit(x, y).predict(test_x) - test_y).mean()
    assert baselines(table)["linear regression"]["mae"] == pytest.approx(float(error), abs=1e-6)
    assert baselines(table)["mean"]["mae"] == pytest.approx(float(np.abs(test_y - y.mean()).mean()), abs=1e-6)


def test_of_texts_the_words_are_weighed_as_in_training(tmp_path: Path) -> None:
    data = set_up("text", **write_texts(tmp_path))
    counts = {
        split: np.stack([np.bincount(x[x > 0], minlength=100) for x in rows(data, split)[0].astype(int)])
        for split in ("train", "test")
    }
    weigh = TfidfTransformer().fit(counts["train"])
    model = LogisticRegression(tol=1e-3).fit(weigh.transform(counts["train"]), rows(data, "train")[1])
    right = model.predict(weigh.transform(counts["test"])) == rows(data, "test")[1]
    assert compute(data)["logistic regression"]["acc"] == pytest.approx(float(right.mean()))


def test_they_are_cached_beside_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = write_csv(tmp_path)
    found = baselines(set_up("csv", **arguments))
    (cache,) = tmp_path.glob(".baselines-*.json")
    with monkeypatch.context() as patched:
        patched.delattr(module, "compute")
        assert baselines(set_up("csv", **arguments)) == found
    for damage in ("", "[]", '{"a": {"b": "c"}}', "[" * 100_000):
        cache.write_text(damage, encoding="utf-8")
        assert baselines(set_up("csv", **arguments)) == found
        assert json.loads(cache.read_text(encoding="utf-8")) == found
    assert fingerprint(set_up("csv", **arguments)) != fingerprint(set_up("csv", **arguments, test_size=0.3))


@pytest.mark.parametrize("name", zoo.list_datamodules())
def test_data_in_files_have_a_cache(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = arguments_of_data(name, tmp_path)
    is_in_files = bool({"root", "path"} & arguments.keys())
    found = baselines(data := small_data(name, arguments))
    assert (data.cache_folder is not None) == is_in_files
    assert bool(list(tmp_path.glob("**/.baselines-*.json"))) == is_in_files
    if is_in_files:
        monkeypatch.delattr(module, "compute")
    assert baselines(small_data(name, arguments)) == found


def test_those_of_documented_splits_come_with_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    data = set_up("digits")
    computed = compute(data)
    monkeypatch.delattr(module, "compute")
    for name, metrics in baselines(data).items():
        assert metrics == pytest.approx(computed[name], abs=2e-3)  # processors round in their own ways


def test_what_is_not_in_memory_has_no_regression(tmp_path: Path) -> None:
    write_folder(tmp_path)
    assert set(baselines(set_up("folder", root=str(tmp_path)))) == {"majority class", "logistic regression"}
    streamed = set_up("folder", root=str(tmp_path), memory=0)
    assert set(compute(streamed)) == {"majority class"}


def test_a_large_data_set_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    data = set_up("digits")
    (x, y), (test_x, test_y) = rows(data, "train"), rows(data, "test")
    monkeypatch.setattr(module, "MOST_NUMBERS", 100 * 784 + 5)
    chosen = torch.randperm(len(x), generator=torch.Generator().manual_seed(0))[:100].sort().values.numpy()
    guess = LogisticRegression(tol=1e-3).fit(x[chosen], y[chosen]).predict(test_x)
    assert compute(data)["logistic regression"]["acc"] == pytest.approx(float((guess == test_y).mean()))
    assert compute(data, whole=True)["logistic regression"]["acc"] > float((guess == test_y).mean())


def test_a_network_that_is_not_better_is_told_so(zoo_command: Command) -> None:
    done = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH)
    (line,) = [line for line in done.out.splitlines() if line.startswith("Logistic regression is better than")]
    results = json.loads(Path("runs/slp-digits/1/results.json").read_text(encoding="utf-8"))
    ours, theirs = (
        results[part][name]["acc"] for part, name in (("metrics", "test"), ("baselines", "logistic regression"))
    )
    assert f"acc {theirs:.4f} against {ours:.4f}" in line
    assert f"\nlogistic regr.       –  {theirs:.4f}" in done.out
    without = zoo_command("fit", "slp", *DIGITS, *ONE_EPOCH, "--baselines", "false")
    assert "ogistic" not in without.out
    assert json.loads(Path("runs/slp-digits/2/results.json").read_text(encoding="utf-8"))["baselines"] == {}
    better = zoo_command("fit", "linear", *ONE_EPOCH[2:], "--trainer.max_epochs", 300)
    assert "Linear regression is as good as this network on the test set: mae" in better.out


class Labels(InMemory):
    """Rows of numbers with three labels, one of which always applies."""

    kind, target, classes, shape = "table", "binary", ("a", "b", "c"), (4,)
    transform = None

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        x = torch.randn(300, 4, generator=torch.Generator().manual_seed(int(train)))
        return x, torch.stack([x[:, 0] > 0, x[:, 1] > 0, torch.ones(300, dtype=torch.bool)], 1).float()

    def model_arguments(self) -> dict[str, int | bool]:
        return {"in_dim": 4, "num_classes": 3, "multilabel": True}


def test_each_label_is_regressed() -> None:
    data = Labels()
    data.setup()
    found = compute(data)
    assert found["logistic regression"]["acc"] > 0.95
    assert found["majority class"]["acc"] < 0.8
    assert found["logistic regression"]["f1"] > 0.95
