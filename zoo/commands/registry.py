"""The commands at a glance: one row a command."""

from __future__ import annotations

from dataclasses import dataclass

SERIES = {
    "seeds": "train with each of several seeds: 0..4, or 0,3,7",
    "folds": "train on each of so many folds of the data for training and validation; each is the validation part once",
    "jobs": "runs of --seeds, --folds and zoo sweep side by side, in processes of one thread each (default: 1)",
    "search": "let zoo sweep try values that optuna suggests, also in ranges such as 1e-4..1e-1:log",
    "trials": "combinations of values that --search tries (default: 50)",
    "prune": "whether --search stops a run that is worse than the median of those before it (default: true)",
}
"""Options that ask for a series of runs, by name. A request has them; none of its runs does."""


@dataclass(frozen=True)
class Command:
    """A command: the function ``run`` of the module of its name in ``zoo.commands``.

    Attributes:
        usage: Its arguments.
        purpose: What it does, in one phrase.
        own_options: Options that it reads itself, as attributes of its request. Others depend on these.
        computes: Whether it imports Lightning at once.
        has_options: Whether it has options that depend on the network and the data, with a help of their own.
    """

    usage: str
    purpose: str
    own_options: tuple[str, ...] = ()
    computes: bool = False
    has_options: bool = False


COMMANDS = {
    "fit": Command(
        "--model NAME [--data NAME] [--seeds 0..4] [--folds 5] [--OPTION VALUE ...]",
        "train a network and report on it",
        own_options=("model", "data", *SERIES),
        computes=True,
        has_options=True,
    ),
    "sweep": Command(
        "--model NAME [--data NAME] --OPTION VALUE,VALUE ... [--seeds 0..2] [--search optuna]",
        "train with each combination of several values of options, and test the best",
        own_options=("model", "data", *SERIES),
        computes=True,
        has_options=True,
    ),
    "test": Command(
        "{--ckpt FILE|--model NAME --weights NAME} [--data NAME] [--OPTION VALUE ...]",
        "evaluate a checkpoint or published weights on every split of their data",
        own_options=("ckpt", "model", "weights", "data"),
        computes=True,
        has_options=True,
    ),
    "predict": Command(
        "{--ckpt FILE|--model NAME --weights NAME} PICTURE|FOLDER|TEXT|ROW|FILE ... [--out FILE]",
        "ask a checkpoint or published weights about pictures, texts (or files of them), or rows such as 0,1",
        own_options=("ckpt", "model", "weights", "out"),
        computes=True,
    ),
    "explain": Command(
        "{--ckpt FILE|--model NAME --weights NAME} PICTURE|TEXT|ROW [--out FILE]",
        "draw what the answer of a checkpoint or published weights hangs on",
        own_options=("ckpt", "model", "weights", "out"),
        computes=True,
    ),
    "check": Command(
        "DATA [--model NAME [--weights NAME|FILE]] [--data.OPTION VALUE ...] [--out FILE]",
        "look at a data set before training: sizes, classes, broken and equal examples",
        own_options=("model", "data", "out"),
        computes=True,
        has_options=True,
    ),
    "export": Command(
        "{--ckpt FILE|--model NAME --weights NAME} --format onnx|pt2|safetensors --out FILE",
        "write a checkpoint or published weights in a format that other programs run",
        own_options=("ckpt", "model", "weights", "format", "out"),
        computes=True,
    ),
    "results": Command(
        "[FOLDER ...] [--sort COLUMN] [--where COLUMN=VALUE ...] [--csv FILE]",
        "show the results of the runs in folders, as one table",
        own_options=("sort", "where", "csv"),
    ),
    "compare": Command(
        "RUN RUN ... [--out FILE]",
        "show what differs between some runs, their metrics, and their curves in one figure",
        own_options=("out",),
    ),
    "show": Command("RUN", "show the figures of a run, or link to them if the terminal shows no pictures"),
    "prepare": Command(
        "DATA ... [--root FOLDER]",
        "download data sets beforehand, for machines without internet",
        own_options=("root",),
    ),
    "list": Command("[--names]", "show the networks and the data sets"),
    "describe": Command("NAME", "show the card, the defaults and the size of a network or a data set"),
}
