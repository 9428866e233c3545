"""The commands, and the help that can be given without importing torch."""

from __future__ import annotations

from dataclasses import dataclass

from zoo.registry import datamodules, models
from zoo.support.tables import format_table
from zoo.weights import list_weights


@dataclass(frozen=True)
class Command:
    """A command; it is the function ``run`` of the module in ``zoo.commands`` that has its name.

    Attributes:
        usage: Its arguments.
        purpose: What it does, in one phrase.
        computes: Whether it needs torch and Lightning.
        has_options: Whether it has options that depend on the network and the data, with a help of their own.
    """

    usage: str
    purpose: str
    computes: bool = False
    has_options: bool = False


COMMANDS = {
    "fit": Command(
        "--model NAME [--data NAME] [--OPTION VALUE ...]",
        "train a network and report on it",
        computes=True,
        has_options=True,
    ),
    "test": Command(
        "{--ckpt FILE|--model NAME --weights NAME} [--data NAME] [--OPTION VALUE ...]",
        "evaluate a checkpoint or published weights on every split of their data",
        computes=True,
        has_options=True,
    ),
    "predict": Command(
        "{--ckpt FILE|--model NAME --weights NAME} PICTURE|TEXT|ROW|FILE ...",
        "ask a checkpoint or published weights about pictures, texts (or files of them), or rows such as 0,1",
        computes=True,
    ),
    "export": Command(
        "{--ckpt FILE|--model NAME --weights NAME} --format onnx|pt2|safetensors --out FILE",
        "write a checkpoint or published weights in a format that other programs run",
        computes=True,
    ),
    "results": Command("FOLDER ... [--csv FILE]", "show the results of the runs in folders, as one table"),
    "prepare": Command("DATA ... [--root FOLDER]", "download data sets beforehand, for machines without a network"),
    "list": Command("[--names]", "show the networks and the data sets"),
    "describe": Command("NAME", "show the card, the defaults and the size of a network or a data set"),
}


def overview() -> str:
    """Return the help of ``zoo``."""
    commands = "\n".join(f"  {name:<9}{command.purpose}" for name, command in COMMANDS.items())
    return f"""usage: zoo COMMAND [--OPTION VALUE ...]

{commands}

{networks_and_data()}

`zoo fit slp` trains a network as its document does; `zoo fit --model slp --help` shows its options."""


def command_help(name: str) -> str:
    """Return the help of a command."""
    lines = [f"usage: zoo {name} {COMMANDS[name].usage}", "", COMMANDS[name].purpose]
    if COMMANDS[name].has_options:
        lines += ["", networks_and_data(), "", f"`zoo {name} --model slp --help` shows all the options."]
    return "\n".join(lines)


def networks_and_data() -> str:
    """Return the networks and the data sets as two tables."""
    networks = [
        (name, row.data, str(row.max_epochs), ", ".join(list_weights(name)), row.summary)
        for name, row in sorted(models().items())
    ]
    data = [(name, row.summary) for name, row in sorted(datamodules().items())]
    of_networks = format_table(("network", "data", "epochs", "weights", ""), networks)
    return f"{of_networks}\n\n{format_table(('data set', ''), data)}"
