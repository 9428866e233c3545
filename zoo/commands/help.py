"""The help that can be given without importing torch."""

from __future__ import annotations

from zoo.commands.registry import COMMANDS
from zoo.registry import datamodules, models
from zoo.support.tables import format_table
from zoo.weights import list_weights


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
