"""Measure an epoch of training, in the zoo and in other loops, side by side.

    python scripts/benchmark/epochs.py                   all networks
    python scripts/benchmark/epochs.py slp mlp           some of them
    python scripts/benchmark/epochs.py slp --chart x.png the ratios as a figure, too

An epoch trains and evaluates on the test set; the first of a fit, in which things are compiled, does not count.
Machines are noisy: all run in turn, round by round, and the ratio of each round to the document's loop is what counts.

    document      the loop of the documents: TensorDataset, DataLoader, ``.item()`` in each step
    zoo           zoo fit as it is, with metrics, progress bar, checkpoints, metrics.csv and exact resuming
    zoo compiled  zoo fit --compile, and with --steps_per_execution 16
    zoo, Lightning's own loop   zoo fit --fast false
    Lightning     Lightning's defaults with torchvision's data sets and ToTensor, metrics logged in each step
    steps alone   the operations of the steps, without data loader, metrics and evaluation
    Keras         fit of Keras 3 on JAX, if it is installed: pip install -e ".[benchmark]"

All but Keras compute with as many threads as zoo fit takes for the network and its batches.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import torch
from cases import CASES, Case, write_pictures, write_table
from loops import document_loop, eager_floor, lightning_as_usual
from times import Terminal, ends, print_ratios, seconds_an_epoch

from zoo.commands.cli import main
from zoo.training.trainer import quiet, use_threads


def zoo_fit(case: Case, epochs: int, *options: str) -> list[float]:
    """Train by ``zoo fit``, and return when each epoch ended."""
    words = ["fit", case.model, "--data", case.data, "--data.val_size", "0", "--trainer.max_epochs", str(epochs)]
    words += ["--trainer.callbacks+=times.EpochTimes", "--baselines", "false", "--trainer.accelerator", "cpu"]
    words += ["--trainer.enable_model_summary", "false"]
    for option, value in case.options.items():
        words += [f"--data.{option}", str(value)]
    data = case.zoo_data
    if case.train < len(data.splits["train"]):
        batches = case.train // case.batch_size
        words += ["--trainer.limit_train_batches", str(batches)]
    if case.test < len(data.splits["test"]):
        words += ["--trainer.limit_val_batches", str(case.test // data.evaluation_batch_size)]
    if case.model == "ffnn":  # whose document validates every 500 steps; here once an epoch, as the others
        words += ["--trainer.val_check_interval", "1.0", "--trainer.check_val_every_n_epoch", "1"]
    ends.clear()
    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(Terminal()):
        if main([*words, "--out", out, *options]) != 0:
            sys.exit("zoo fit failed")
    return list(ends)


def ways(name: str, case: Case, folder: Path) -> dict[str, Callable[[int], list[float]]]:
    """Return how to train a network, by label."""
    several = ("--compile", "--steps_per_execution", "16")
    found: dict[str, Callable[[int], list[float]]] = {
        "document": partial(document_loop, case),
        "zoo": lambda epochs: zoo_fit(case, epochs),
        "zoo compiled": lambda epochs: zoo_fit(case, epochs, "--compile"),
        "zoo compiled, 16 steps": lambda epochs: zoo_fit(case, epochs, *several),
        "zoo, Lightning's own loop": lambda epochs: zoo_fit(case, epochs, "--fast", "false"),
        "Lightning": lambda epochs: lightning_as_usual(case, 2, folder),  # one that counts takes long enough
        "steps alone": partial(eager_floor, case),
    }
    if "lstm" in name:
        del found["zoo compiled"]  # which nn.LSTM is not
    if name not in ("slp", "mlp"):
        del found["zoo compiled, 16 steps"]
    if name in ("bilstm_sentiment", "table"):
        del found["Lightning"]  # torchvision has pictures only
    if name in ("slp", "mlp", "ffnn") and find_spec("keras") and find_spec("jax"):
        from keras_fit import keras_fit

        found["Keras"] = partial(keras_fit, case)
        found["Keras, 16 steps"] = partial(keras_fit, case, steps=16)
    return found


def draw(ratios: dict[str, dict[str, float]], path: Path) -> None:
    """Draw the ratios to the document's loop as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 1.0 + 0.22 * sum(map(len, ratios.values()))), layout="constrained")
    axes = figure.subplots(len(ratios), sharex=True, squeeze=False, height_ratios=[len(r) for r in ratios.values()])
    for axis, (name, found) in zip(axes[:, 0], ratios.items(), strict=True):
        colors = ["tab:gray" if not label.startswith("zoo") else "tab:blue" for label in found]
        bars = axis.barh(list(found), list(found.values()), color=colors)
        axis.bar_label(bars, fmt="%.2f", padding=3)
        axis.set(title=name, xscale="log")
        axis.xaxis.set_major_formatter("{x:g}")
        axis.invert_yaxis()
        axis.axvline(1, color="black", linewidth=0.8)
    axes[0, 0].set_xlim(0.1, 2 * max(max(found.values()) for found in ratios.values()))  # shared
    axes[-1, 0].set_xlabel("time of an epoch / time in the document's loop")
    figure.savefig(path, dpi=120)


def measure(name: str, rounds: int, epochs: int, folder: Path) -> dict[str, float]:
    """Print the times of a network, and return the ratios to the document's loop."""
    case = CASES[name]
    if name == "folder":
        case.options["root"] = str(folder / "pictures")
        write_pictures(folder / "pictures")
    elif name == "table":
        case.options["path"] = str(folder / "table.csv")
        write_table(folder / "table.csv")
    use_threads(case.network(), case.batch_size)
    print(
        f"\n{case.model} on {case.data}: {case.train:,} examples trained on and {case.test:,} tested an epoch, "
        f"batches of {case.batch_size}; {rounds} rounds of {epochs} epochs, threads: {torch.get_num_threads()}"
    )
    seconds: dict[str, list[float]] = {}
    for _ in range(rounds):
        for label, train in ways(name, case, folder).items():
            seconds.setdefault(label, []).append(seconds_an_epoch(train(epochs + 1)))
    return print_ratios(seconds, "document")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(CASES)} (default: all)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=3, help="that count, in each round")
    parser.add_argument("--chart", type=Path, help="file for a figure of the ratios")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(CASES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    quiet()
    with tempfile.TemporaryDirectory() as temporary:
        ratios = {name: measure(name, chosen.rounds, chosen.epochs, Path(temporary)) for name in chosen.names or CASES}
    if chosen.chart:
        draw(ratios, chosen.chart)
