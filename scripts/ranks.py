"""Compare training with several processes and with one: trains every network in four ways and prints one table.

    python scripts/ranks.py             all networks, about a quarter of an hour on two cores
    python scripts/ranks.py slp lstm    these

Each network is trained for 100 steps in double precision: by one process, by two that Lightning starts (DDP), by
torchrun on one node with two processes, and by torchrun on two nodes (on loopback) with one each; dropout is on where
its document has it. Images are the embedded digits; reviews need IMDB under ZOO_DATA or data/.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import torch

import zoo
from zoo.factory import datamodule_class
from zoo.registry import model_row

FIT = str(Path(__file__).with_name("fit.py"))
LIMIT = 1e-12
"""Largest difference of weights that is rounding, in double precision over 100 steps."""


def options(name: str) -> list[str]:
    """Return the options of a network's training: whole batches, so that processes get equal shares."""
    data = model_row(name).data
    words = ["--trainer.max_steps", "100", "--trainer.max_epochs", "-1", "--trainer.precision", "64-true"]
    words += ["--trainer.accelerator", "cpu", "--trainer.enable_model_summary", "false"]
    if datamodule_class(data).kind == "image":
        data = "digits"
        words += ["--data.val_size", "157"]  # leaves 20 times 64
    if data == "imdb":
        words += ["--data.max_length", "100"]  # reviews cut short, to evaluate them soon
    batch_size = "64" if data in ("digits", "imdb") else str(model_row(name).batch_size)
    return [*words, "--data", data, "--data.batch_size", batch_size]


def run(commands: list[list[str]], folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, float]]:
    """Run the processes of a training side by side, and return its weights and its test metrics."""
    environment = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "ZOO_DATA": str(Path(os.environ.get("ZOO_DATA", "data")).absolute()),
    }
    running = [
        subprocess.Popen(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        for command in commands
    ]
    for process in running:
        _, errors = process.communicate(timeout=600)
        if process.returncode:
            sys.exit(f"{' '.join(process.args)} failed: {errors[-500:]}")  # type: ignore[arg-type]
    (results,) = folder.glob("runs/*/1/results.json")
    weights = torch.load(results.parent / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    return weights, json.loads(results.read_text(encoding="utf-8"))["metrics"]["test"]


def ways(name: str) -> dict[str, list[list[str]]]:
    """Return the commands of each way to train a network, by its name."""
    fit = [FIT, "--model", name, *options(name)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    torchrun = [sys.executable, "-m", "torch.distributed.run"]
    meeting = ["--master-addr", "127.0.0.1", "--master-port", port, "--nnodes", "2", "--nproc-per-node", "1"]
    return {
        "one process": [[sys.executable, *fit, "--trainer.devices", "1"]],
        "DDP": [[sys.executable, *fit, "--trainer.devices", "2", "--trainer.strategy", "ddp"]],
        "torchrun 1×2": [[*torchrun, "--nproc-per-node", "2", *fit]],
        "torchrun 2×1": [[*torchrun, *meeting, "--node-rank", str(node), *fit] for node in (0, 1)],
    }


def compare(name: str) -> tuple[str, bool]:
    """Train a network in every way, and return its row of the table, and whether all agree."""
    found = {}
    for way, commands in ways(name).items():
        with tempfile.TemporaryDirectory() as folder:
            found[way] = run(commands, Path(folder))
    (weights, metrics), *others = found.values()
    largest = [max(float((w[key] - weights[key]).abs().max()) for key in weights) for w, _ in others]
    same_metrics = all(
        abs(m[key] - metrics[key]) <= 1e-6 * max(1, abs(metrics[key])) for _, m in others for key in metrics
    )
    counts = all(m.get("acc") == metrics.get("acc") for _, m in others)
    same_bits = all(torch.equal(w[key], others[0][0][key]) for w, _ in others for key in w)
    agree = max(largest) <= LIMIT and same_metrics and counts and same_bits
    told = ", ".join(f"{key} {metrics[key]:.6f}" for key in ("loss", "acc", "mae") if key in metrics)
    cells = [f"`{name}`", told, *(f"{value:.1e}" for value in largest), "equal" if agree else "NOT equal"]
    return f"| {' | '.join(cells)} |", agree


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *zoo.list_models()], metavar="MODEL")
    header = ("network", "test metrics of one process", "DDP", "torchrun 1×2", "torchrun 2×1", "verdict")
    print(f"| {' | '.join(header)} |\n|{'---|' * len(header)}")
    all_agree = True
    for model in parser.parse_args().models or zoo.list_models():
        row, agrees = compare(model)
        all_agree &= agrees
        print(row, flush=True)
    print("\nThe columns of the other ways show the largest difference of a weight from that of one process;")
    print("`equal` also means that these three ways, of two processes each, agree bit by bit.")
    sys.exit(0 if all_agree else 1)
