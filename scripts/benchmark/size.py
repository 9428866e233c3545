"""Measure the time of an epoch against the number of examples: it must grow in proportion.

python scripts/benchmark/size.py --chart size.png
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import tempfile
from pathlib import Path

import torch
from lightning.pytorch import Trainer
from times import EpochTimes, Terminal, ends, seconds_an_epoch

import zoo
from zoo.callbacks import ExactResume, FastSteps
from zoo.training.trainer import quiet

SIZES = (1_000, 10_000, 100_000)


def seconds_of(size: int, epochs: int) -> float:
    """Return the seconds of an epoch of ``slp`` on so many made examples of 784 bytes."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(0, 256, (size, 1, 28, 28), dtype=torch.uint8, generator=generator)
    data = zoo.create_datamodule("arrays", x_train=x, y_train=torch.arange(size) % 10, val_size=0, batch_size=64)
    ends.clear()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(Terminal()):
        trainer = Trainer(
            max_epochs=epochs + 1,
            accelerator="cpu",
            callbacks=[ExactResume(Path(folder) / "last.ckpt"), FastSteps(), EpochTimes()],
            limit_val_batches=0,
            logger=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        trainer.fit(zoo.create_model("slp"), data)
    return seconds_an_epoch(ends)


def measure(rounds: int, chart: Path | None) -> None:
    """Print the time of an example for each number of examples, and draw the times of epochs."""
    seconds: dict[int, list[float]] = {size: [] for size in SIZES}
    for number in range(rounds + 1):
        for size in SIZES:
            taken = seconds_of(size, epochs=max(1, 100_000 // size // 2))
            if number:  # the first round warms up
                seconds[size].append(taken)
    medians = {size: statistics.median(values) for size, values in seconds.items()}
    for size, median in medians.items():
        print(f"{size:>9,} examples  {median:8.4f} s an epoch  {median / size * 1e6:6.2f} µs an example")
    if chart:
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5, 4), layout="constrained")
        axes = figure.subplots()
        axes.loglog(list(medians), list(medians.values()), "o-")
        axes.set(xlabel="examples", ylabel="seconds an epoch", title="slp")
        figure.savefig(chart, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chart", type=Path, help="file for a figure")
    chosen = parser.parse_args()
    quiet()
    measure(chosen.rounds, chosen.chart)
