"""Train the networks by their documented recipes, compare with the documents' results, and print one table.

    python scripts/reproduce.py                 all networks, about ten minutes on two cores
    python scripts/reproduce.py slp mlp         these
    python scripts/reproduce.py --seeds 0..4    mean and standard deviation of five seeds, as long as five times
    python scripts/reproduce.py --out runs/kept keep the run folders, to publish their weights
    python scripts/reproduce.py --tables        rows of public tables, about ten minutes

Needs the real data sets under ZOO_DATA or data/; nothing falls back on others. The table is also written to
docs/reproduction.md, where rows that were not run stay as they were.
"""

import argparse
import functools
import itertools
import json
import re
import shlex
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

import zoo
from published import PUBLISHED, Published
from zoo.commands.cli import main as zoo_main
from zoo.commands.grid import parse_seeds
from zoo.errors import ZooError
from zoo.registry import model_row
from zoo.training.run_folder import list_runs, numbered_folders

TABLE = Path(__file__).parents[1] / "docs" / "reproduction.md"
HEADER = "| network | data | document | wanted | zoo | seed | verdict |\n|---|---|---|---|---|---|---|\n"
PUBLISHED_HEADER = "| network | published | zoo | command | verdict |\n|---|---|---|---|---|\n"
SEEDS = 50


@dataclass
class Result:
    """The results of a run.

    Attributes:
        text: For the table, with a place for each number, such as ``{:.4f}``.
        numbers: What was measured.
        reached: Whether that is what was wanted.
    """

    text: str
    numbers: Sequence[float]
    reached: bool


def accuracy(low: float, high: float = 1.0) -> Callable[[Path], Result]:
    """Require a test accuracy in a range."""

    def check(folder: Path) -> Result:
        value = json.loads((folder / "results.json").read_text(encoding="utf-8"))["metrics"]["test"]["acc"]
        return Result("{:.4f} test accuracy", [value], low <= value <= high)

    return check


def line(folder: Path) -> Result:
    """Require the least-squares weights, near 2 and 3."""
    model = zoo.load_model(folder / "checkpoints" / "last.ckpt")
    a, b = (parameter.item() for parameter in next(model.parameters()).flatten())
    loss = json.loads((folder / "results.json").read_text(encoding="utf-8"))["metrics"]["train"]["loss"]
    data = zoo.create_datamodule("quadratic")
    data.setup()
    best = torch.linalg.lstsq(*data.splits["train"].tensors)  # type: ignore[attr-defined]
    distance = max(abs(a - best.solution[0].item()), abs(b - best.solution[1].item()))
    return Result(
        "weights {:.3f}, {:.3f}; loss {:.3f}",
        [a, b, loss],
        distance < 1e-3 and abs(a - 2) < 0.1 and abs(b - 3) < 0.1,
    )


def two_numbers(folder: Path) -> Result:
    """Require the numbers that generated the data."""
    a, b = (parameter.item() for parameter in zoo.load_model(folder / "checkpoints" / "last.ckpt").parameters())
    data = zoo.create_datamodule("custom_function").hparams
    return Result(
        f"A {{:.4f}}, B {{:.4f}} (made with {data['a']}, {data['b']})",
        [a, b],
        max(abs(a - data["a"]), abs(b - data["b"])) < 1e-2,
    )


def all_rows(folder: Path) -> Result:
    """Require all four rows for the default seed, and more of many seeds than plain SGD solves."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    accuracy = results["metrics"]["test"]["acc"]
    share = share_that_solves_xor()
    text = f"{{:.2f}} of the rows; {share:.2f} of {SEEDS} seeds solve all"
    return Result(text, [accuracy], share > 0.68 and (accuracy == 1 or results["seed"] != 0))


@functools.cache
def share_that_solves_xor() -> float:
    """Train with many seeds as documented, full batch, without what a run has around it; return how many solve XOR."""
    data = zoo.create_datamodule("xor")
    data.setup()
    batch = data.splits["train"].tensors  # type: ignore[attr-defined]
    solved = 0
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        model = zoo.create_model("xor")
        optimizer = model.configure_optimizers()
        for _ in range(model_row("xor").max_epochs):
            optimizer.zero_grad()
            model.training_step(batch, 0).backward()
            optimizer.step()
        solved += bool(((model(batch[0]) > 0.5) == batch[1]).all())
    return solved / SEEDS


@dataclass
class Claim:
    """The required result of a network.

    Attributes:
        document: What its document reports.
        wanted: What is wanted here.
        check: Looks at a run folder.
        options: Options of ``zoo fit`` beside the documented ones, which are the defaults.
    """

    document: str
    wanted: str
    check: Callable[[Path], Result]
    options: tuple[str, ...] = ()


NOTHING_HELD_OUT = ("--data.val_size", "0")

CLAIMS = {
    "slp": Claim("0.900 train", "0.905 to 0.912 test", accuracy(0.905, 0.912), NOTHING_HELD_OUT),
    "mlp": Claim("0.896 train", "0.898 to 0.907 test", accuracy(0.898, 0.907), NOTHING_HELD_OUT),
    "linear": Claim("weights 2.024, 2.966; loss 0.333", "the least squares of its own noise", line),
    "custom_function": Claim("–", "A and B recovered", two_numbers),
    "xor": Claim("–", "all rows, and more than 0.68 of 50 seeds", all_rows),
    "digits_cnn": Claim("–", "at least 0.93 test", accuracy(0.93), NOTHING_HELD_OUT),
    "cifar_cnn": Claim("–", "0.52 to 0.57 test", accuracy(0.52, 0.57), NOTHING_HELD_OUT),
    "fcnet": Claim("–", "at least 0.975 test", accuracy(0.975)),
    "convnet": Claim("–", "at least 0.98 test", accuracy(0.98)),
    "ffnn": Claim("–", "0.80 to 0.86 test", accuracy(0.80, 0.86), NOTHING_HELD_OUT),
    "rnn": Claim("–", "at least 0.95 test", accuracy(0.95)),
    "lstm": Claim("–", "at least 0.975 test", accuracy(0.975)),
    "lstm_cell": Claim("–", "at least 0.97 test", accuracy(0.97)),
    "bilstm_sentiment": Claim("–", "at least 0.885 test", accuracy(0.885)),
}


def reproduce(name: str, seeds: str, out: Path, series: bool) -> tuple[str, bool]:
    """Train a network, and return its row of the table and whether it reached the required result.

    Args:
        name: The network.
        seeds: A seed, or several for a series.
        out: Folder of the runs.
        series: Whether to train a series, in which each seed has a folder.
    """
    claim, data = CLAIMS[name], model_row(name).data
    words = ["fit", name, "--data", data, "--seeds" if series else "--seed", seeds, "--out", str(out), *claim.options]
    if code := zoo_main(words):
        sys.exit(code)
    base = out / f"{name}-{data}"
    folders = newest_series(base, parse_seeds(seeds)) if series else list_runs(base)[:1]
    results = [claim.check(folder) for folder in folders]
    reached = sum(result.reached for result in results)
    verdict = "reached" if reached == len(results) else "NOT reached"
    if 0 < reached < len(results):
        verdict += f" by {len(results) - reached} of {len(results)}"
    cells = [f"`{name}`", data, claim.document, claim.wanted, summarize(results), seeds, verdict]
    return f"| {' | '.join(cells)} |\n", reached == len(results)


def newest_series(base: Path, seeds: Sequence[str]) -> list[Path]:
    """Return the run folders of the newest series with these seeds."""
    series = ([folder / f"seed-{seed}" for seed in seeds] for folder in numbered_folders(base))
    return next(runs for runs in series if all((run / "results.json").exists() for run in runs))


def summarize(results: Sequence[Result]) -> str:
    """Return what runs measured, as text: of several, the mean ± the standard deviation of each number, and n."""
    text, columns = results[0].text, zip(*(result.numbers for result in results), strict=True)
    if len(results) == 1:
        return text.format(*results[0].numbers)
    spread = re.sub(r"{(:.*?)}", r"{\1} ± {\1}", text) + " (n = {})"
    numbers = [(statistics.fmean(column), statistics.stdev(column)) for column in columns]
    return spread.format(*itertools.chain(*numbers), len(results))


def reach(row: Published, out: Path) -> tuple[str, bool]:
    """Train a network as a row of a public table asks, and return the row of the table, and whether it was reached."""
    folder = out / f"published-{PUBLISHED.index(row)}"
    code = zoo_main(["fit", *shlex.split(row.command), "--out", str(folder), "--name", "run", "--baselines", "false"])
    if code:
        sys.exit(code)
    results = json.loads((next(iter(list_runs(folder / "run"))) / "results.json").read_text(encoding="utf-8"))
    error = 100 * (1 - results["metrics"]["test"]["acc"])
    reached = error <= row.error
    cells = [f"{row.source}, {row.network}", f"{row.error:.1f} %", f"{error:.2f} %", f"`zoo fit {row.command}`"]
    return f"| {' | '.join([*cells, 'reached' if reached else 'NOT reached'])} |\n", reached


def read_rows(header: str) -> dict[str, str]:
    """Return the rows of a table in docs/reproduction.md, by their first cell."""
    if not TABLE.exists():
        return {}
    _, _, table = TABLE.read_text(encoding="utf-8").partition(header)
    lines = itertools.takewhile(lambda line: line.startswith("| "), table.splitlines(keepends=True))
    return {line.split(" | ")[0].strip("| `"): line for line in lines}


def write_tables(rows: Mapping[str, str], published: Mapping[str, str]) -> None:
    """Write docs/reproduction.md."""
    table = HEADER + "".join(rows[key] for key in CLAIMS if key in rows)
    public = PUBLISHED_HEADER + "".join(published.values())
    TABLE.write_text(
        f"# Reproduction\n\nAs `python scripts/reproduce.py` printed it.\n\n{table}\n"
        "## Public tables\n\nTest errors on MNIST, reached by options alone, as `python scripts/reproduce.py --tables` "
        f"printed them.\n\n{public}",
        encoding="utf-8",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Train what the command line asks for, print the tables, and return the exit code: 1 if a result is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", choices=[[], *CLAIMS], metavar="MODEL")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, default=0)
    which.add_argument("--seeds", help="several seeds, such as 0..4, for their mean and standard deviation")
    parser.add_argument("--out", type=Path, help="folder of the runs (default: none is kept)")
    parser.add_argument("--tables", action="store_true", help="train the rows of public tables instead")
    arguments = parser.parse_args(argv)
    if arguments.seeds:
        if arguments.tables:
            parser.error("--tables has one run a row; omit --seeds")
        try:
            parse_seeds(arguments.seeds)
        except ZooError as error:
            parser.error(str(error))
    temporary = tempfile.TemporaryDirectory()
    out = arguments.out or Path(temporary.name)
    rows, published = read_rows(HEADER), read_rows(PUBLISHED_HEADER)
    all_reached = True
    for row in PUBLISHED if arguments.tables else []:
        published[f"{row.source}, {row.network}"], reached = reach(row, out)
        all_reached &= reached
        write_tables(rows, published)
    for name in [] if arguments.tables else arguments.models or CLAIMS:
        rows[name], reached = reproduce(name, arguments.seeds or str(arguments.seed), out, bool(arguments.seeds))
        all_reached &= reached
        write_tables(rows, published)
    print(f"\n{TABLE.read_text(encoding='utf-8')}")
    return 0 if all_reached else 1


if __name__ == "__main__":
    sys.exit(main())
