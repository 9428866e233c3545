"""Measure the overhead of the zoo over the plain PyTorch loop of the documents, side by side.

    python scripts/benchmark.py slp        an epoch of `zoo fit`, also compiled and in Lightning's own loop, against the
                                           document's loop
    python scripts/benchmark.py startup    the time to an answer, and to the first training step
    python scripts/benchmark.py safety     what exact resume, safe checkpoints and the look at gradients add to an epoch
                                           of Lightning with torch's own loader and without checkpoints
    python scripts/benchmark.py scaling    two processes of one thread against one, the same batch

Machines are noisy: both sides run in turn, round by round, and the ratio of each round is what counts.
"""

import argparse
import contextlib
import io
import itertools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

NETWORKS = {"slp": (784, 10), "mlp": (784, 50, 10)}


class Terminal(io.StringIO):
    """A fake terminal, on which the progress bar draws as on a real one."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def seconds_of_document(name: str, epochs: int) -> float:
    """Return the seconds an epoch takes in the document's loop: DataLoader, TensorDataset, ``.item()`` each step."""
    import torch
    from torch import nn
    from torch.nn.functional import one_hot
    from torch.utils.data import DataLoader, TensorDataset

    import zoo

    mnist = zoo.create_datamodule("mnist", val_size=0)
    mnist.prepare_data()
    mnist.setup()
    loaders = {}
    for split in ("train", "test"):
        x, y = mnist.splits[split].tensors
        examples = TensorDataset(x.reshape(-1, 784) / 255.0, one_hot(y, 10).float())
        loaders[split] = DataLoader(examples, batch_size=64, shuffle=True)
    sizes = NETWORKS[name]
    layers = [layer for a, b in itertools.pairwise(sizes) for layer in (nn.Linear(a, b), nn.Sigmoid())]
    network = nn.Sequential(*layers)
    criterion = nn.MSELoss()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.5)

    started = time.perf_counter()
    for _ in range(epochs):
        for split, loader in loaders.items():
            network.train(split == "train")
            total_loss, correct, total = 0.0, 0, 0
            with torch.set_grad_enabled(split == "train"):
                for x, y in loader:
                    p = network(x)
                    loss = criterion(p, y)
                    if split == "train":
                        optimizer.zero_grad()
                        loss.backward()
                        optimizer.step()
                    total_loss += loss.item() * x.size(0)
                    correct += (p.argmax(dim=1) == y.argmax(dim=1)).sum().item()
                    total += x.size(0)
    return (time.perf_counter() - started) / epochs


def seconds_of_zoo(name: str, epochs: int, *more: str) -> float:
    """Return the seconds an epoch takes in ``zoo fit``, everything included, with further options."""
    from zoo.commands.cli import main

    with tempfile.TemporaryDirectory() as out, contextlib.redirect_stdout(Terminal()):
        options = [name, "--data", "mnist", "--data.val_size", "0", "--trainer.max_epochs", str(epochs), "--out", out]
        if main(["fit", *options, "--trainer.enable_model_summary", "false", "--baselines", "false", *more]) != 0:
            sys.exit("zoo fit failed")
        (results,) = Path(out).glob("*/1/results.json")
        seconds: float = json.loads(results.read_text(encoding="utf-8"))["seconds"]
    return seconds / epochs


WAYS = {"zoo": (), "compiled": ("--compile",), "Lightning": ("--fast", "false")}
"""Ways to train, and their options."""


def epoch(name: str, rounds: int, epochs: int) -> None:
    """Print the time of an epoch in each way, and the ratios to the document's loop."""
    ratios: dict[str, list[float]] = {way: [] for way in WAYS}
    print(f"{name} on mnist, seconds an epoch (60,000 trained on, 10,000 tested), {epochs} epochs a round")
    print("round  document" + "".join(f"{way:>11}" for way in WAYS))
    for number in range(rounds + 1):
        document = seconds_of_document(name, epochs)
        found = {way: seconds_of_zoo(name, epochs, *options) for way, options in WAYS.items()}
        label = str(number) if number else "warm"  # the first round warms up, and does not count
        print(f"{label:>5}  {document:8.3f}" + "".join(f"{seconds:11.3f}" for seconds in found.values()), flush=True)
        for way, seconds in found.items():
            ratios[way] += [seconds / document] * (number > 0)
    for what, choose in (("median", statistics.median), ("least", min), ("most", max)):
        print(f"{what:>15}" + "".join(f"{choose(values):11.2f}" for values in ratios.values()))


def seconds_of_fit(name: str, steps: int, safe: bool, folder: Path) -> float:
    """Return the seconds that some training steps take, with or without exact resuming."""
    from lightning.pytorch import Trainer
    from torch.utils.data import DataLoader

    import zoo
    from zoo.callbacks import ExactResume
    from zoo.datamodules.common.examples import Gathered
    from zoo.registry import model_row
    from zoo.training.trainer import quiet

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


def seconds_of_ranks(name: str, data: str, ranks: int, epochs: int) -> float:
    """Return the seconds of a fit by processes of one thread each, including their start."""
    command = [sys.executable, "-m", "zoo", "fit", name, "--data", data, "--data.val_size", "0"]
    options = {"data.batch_size": 512, "trainer.accelerator": "cpu", "trainer.enable_model_summary": "false"}
    options |= {"trainer.max_epochs": epochs, "trainer.devices": ranks}
    with tempfile.TemporaryDirectory() as out:
        subprocess.run(
            [*command, *(f"--{option}={value}" for option, value in options.items()), "--out", out],
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )
        (results,) = Path(out).glob("*/1/results.json")
        seconds: float = json.loads(results.read_text(encoding="utf-8"))["seconds"]
    return seconds


def scaling(rounds: int) -> None:
    """Print the speedup of two processes over one, each with one thread, in the second and third epoch of a fit."""
    for name, data in {"cifar_cnn": "cifar10", "lstm": "mnist"}.items():
        ratios = []
        for _ in range(rounds):
            one, two = (
                seconds_of_ranks(name, data, ranks, epochs=3) - seconds_of_ranks(name, data, ranks, epochs=1)
                for ranks in (1, 2)
            )
            ratios.append(one / two)
            print(f"{name}: {one:.1f} s by one process, {two:.1f} s by two: {ratios[-1]:.2f}", flush=True)
        print(f"{name}: median {statistics.median(ratios):.2f} times as fast")


def processor_seconds(*command: str) -> float:
    """Return the processor time, user and system, of a command."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


IMPORTS = """
import os, torch, lightning.pytorch
os._exit(0)
"""

NETWORK = """
import os
from zoo.models import SLP
os._exit(0)
"""

FIRST_STEP = """
import os, sys
from zoo.internals.deferred import import_lightning
import_lightning()  # as the command itself does
from zoo.tasks import Task
from zoo.commands.cli import main
Task.on_train_batch_end = lambda *_: os._exit(0)  # the first step is done
main(["fit", "slp", "--out", sys.argv[1]])
"""


def startup(rounds: int) -> None:
    """Print the processor time of commands that should be instant, and until the first training step."""
    zoo = [sys.executable, "-m", "zoo"]
    answer = ["predict", "--model", "linear", "--weights", "default", "4,1"]
    commands = {
        "import zoo": [sys.executable, "-c", "import zoo"],
        "zoo --help": [*zoo, "--help"],
        "zoo list": [*zoo, "list"],
        "zoo fit slpp": [*zoo, "fit", "slpp"],
        "import torch": [sys.executable, "-c", "import torch, os; os._exit(0)"],
        "zoo predict --weights": [*zoo, *answer],
        "import torch, lightning": [sys.executable, "-c", IMPORTS],
        "from zoo.models import SLP": [sys.executable, "-c", NETWORK],
    }
    seconds: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as out:
        commands["first step of zoo fit slp"] = [sys.executable, "-c", FIRST_STEP, out]
        for number in range(rounds + 1):
            for label, command in commands.items():
                taken = processor_seconds(*command)
                if number:  # the first round warms up
                    seconds.setdefault(label, []).append(taken)
    for label, values in seconds.items():
        print(f"{label:<26}{statistics.median(values):6.2f} s of processor time")
    imports = seconds["import torch, lightning"]
    for label in ("from zoo.models import SLP", "first step of zoo fit slp"):
        ratio = statistics.median(b / a for a, b in zip(imports, seconds[label], strict=True))
        print(f"{label} / import torch, lightning: {ratio:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=[*NETWORKS, "startup", "safety", "scaling"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=5, help="a round")
    chosen = parser.parse_args()
    os.environ.setdefault("PYTHONWARNINGS", "ignore")
    if chosen.what in ("startup", "safety", "scaling"):
        {"startup": startup, "safety": safety, "scaling": scaling}[chosen.what](chosen.rounds)
    else:
        epoch(chosen.what, chosen.rounds, chosen.epochs)
