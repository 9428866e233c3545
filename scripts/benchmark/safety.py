"""Measure what exact resuming adds to Lightning's own loop.

    python scripts/benchmark/safety.py

Exact resuming, safe checkpoints and the look at gradients are compared with torch's own loader and no checkpoints, in
turn, round by round.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from lightning.pytorch import Trainer
from torch.utils.data import DataLoader

import zoo
from zoo.callbacks import ExactResume
from zoo.datamodules.common.examples import Gathered
from zoo.registry import model_row
from zoo.training.trainer import quiet


def seconds_of_fit(name: str, steps: int, safe: bool, folder: Path) -> float:
    """Return the seconds that some training steps take, with or without exact resuming."""
    quiet()
    row = model_row(name)
    data = zoo.create_datamodule(row.data, batch_size=row.batch_size)
    data.setup()
    if not safe:  # torch's own loader, whose place in the epoch nobody knows
        plain = DataLoader(Gathered(data.splits["train"]), row.batch_size, shuffle=True, collate_fn=lambda batch: batch)
        data.train_dataloader = lambda: plain  # type: ignore[method-assign]
    trainer = Trainer(
        max_steps=steps,
        callbacks=[ExactResume(folder / "last.ckpt")] if safe else [],
        logger=False,
        enable_checkpointing=safe,
        enable_progress_bar=False,
        enable_model_summary=False,
        accelerator="cpu",
        num_sanity_val_steps=0,
    )
    started = time.perf_counter()
    trainer.fit(zoo.create_model(name), data)
    return time.perf_counter() - started


def safety(rounds: int) -> None:
    """Print the cost of exact resuming for two networks."""
    print("network    round  without  with  ratio    seconds for as many steps")
    for name, steps in {"slp": 4_300, "cifar_cnn": 3_000}.items():
        taken: dict[bool, list[float]] = {False: [], True: []}
        for number in range(rounds + 1):
            for safe in (False, True) if number % 2 else (True, False):  # the second may profit from the first
                with tempfile.TemporaryDirectory() as folder:
                    taken[safe].append(seconds_of_fit(name, steps, safe, Path(folder)))
            without, with_it = taken[False][-1], taken[True][-1]
            label = str(number) if number else "warm"
            ratio = f"{with_it / without:.3f}"
            print(f"{name:<10} {label:>5}  {without:7.3f}  {with_it:5.3f}  {ratio}    {steps:,}", flush=True)
        ratios = [b / a for a, b in zip(taken[False][1:], taken[True][1:], strict=True)]
        print(f"{name}: median {statistics.median(ratios):.3f}, {min(ratios):.3f} to {max(ratios):.3f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    safety(parser.parse_args().rounds)
