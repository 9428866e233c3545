"""The options of ``zoo fit`` that are neither of the network, nor of the data, nor of the Trainer."""

from __future__ import annotations

from jsonargparse import ArgumentParser

from zoo.commands.registry import SERIES


def add_run_options(parser: ArgumentParser) -> None:
    """Add the options to the parser of ``zoo fit``."""
    parser.add_argument(
        "--seed", type=int, default=0, help="seed of weights, order and dropout; equal seeds give equal runs"
    )
    parser.add_argument(
        "--patience", type=int | None, help="stop after this many epochs without an improvement of val/loss"
    )
    parser.add_argument(
        "--ckpt_path", type=str | None, help="resume from a checkpoint: a file, or 'last' for the newest run"
    )
    parser.add_argument(
        "--checkpoint_every",
        type=int | None,
        help="steps between checkpoints (default: every epoch, at most every 2 seconds, at least every 5 minutes)",
    )
    parser.add_argument("--allow_nan", action="store_true", help="continue after a loss or gradient that is not finite")
    parser.add_argument(
        "--fast", type=bool, default=True, help="run several steps in each turn of Lightning's loop, to the same result"
    )
    parser.add_argument(
        "--compile", action="store_true", help="compile the steps: fused by torch on a CPU, a CUDA graph on a GPU"
    )
    parser.add_argument(
        "--steps_per_execution", type=int, default=1, help="steps of a compiled graph on a CPU, such as 16"
    )
    parser.add_argument("--out", type=str, default="runs", help="folder for all runs")
    parser.add_argument("--name", type=str | None, help="folder in it for runs like this (default: <model>-<data>)")
    parser.add_argument(
        "--test", type=bool, default=True, help="evaluate on the test set at the end; false leaves it for later"
    )
    for name, purpose in SERIES.items():
        parser.add_argument(f"--{name}", type=str | None, help=purpose)
