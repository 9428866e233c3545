"""The words of a command line, with the names that decide which other options there are."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field

from zoo.commands.registry import COMMANDS
from zoo.errors import ZooError
from zoo.registry import data_row, list_models, model_row
from zoo.support.console import echo
from zoo.training.config_file import read_names


@dataclass
class Request:
    """A command line.

    Attributes:
        command: Its name.
        program: How the command was started, to tell the user how to start it again.
        model: Name of the network, if given.
        data: Name of the data set, if given.
        ckpt: File of the checkpoint, if given.
        weights: Name of published weights, if given.
        format: Format to export to, if given.
        out: File to write, if given.
        csv: File to write a table to, if given.
        sort: Column to sort a table by, if given.
        where: Conditions on the rows of a table.
        root: The data root, if given.
        seeds: The seeds to train with, if given.
        folds: The number of folds to train with, if given.
        jobs: The number of runs side by side, if given.
        search: What suggests the values of a sweep, if given.
        trials: The number of combinations that it tries, if given.
        prune: Whether it stops trials that do badly, if given.
        words: The other words of the command line: options, or what the command is about.
    """

    command: str
    program: str
    model: str | None = None
    data: str | None = None
    ckpt: str | None = None
    weights: str | None = None
    format: str | None = None
    out: str | None = None
    csv: str | None = None
    sort: str | None = None
    where: list[str] = field(default_factory=list)
    root: str | None = None
    seeds: str | None = None
    folds: str | None = None
    jobs: str | None = None
    search: str | None = None
    trials: str | None = None
    prune: str | None = None
    words: list[str] = field(default_factory=list)

    @property
    def wants_help(self) -> bool:
        """Whether the user asks for help."""
        return "--help" in self.words or "-h" in self.words

    def gives(self, option: str) -> bool:
        """Return whether an option, such as ``--data.root``, is among the words of the command line."""
        return any(word.partition("=")[0] == option for word in self.words)

    def arguments(self, kind: str) -> list[str]:
        """Return the words of a command that takes a kind of words, and its own options.

        Raises:
            ZooError: There are other options.
        """
        options = [f"--{name}" for name in COMMANDS[self.command].own_options]
        if unknown := [word for word in self.words if word.startswith("-")]:
            raise ZooError(
                f"zoo {self.command} takes {' and '.join(filter(None, [kind, ', '.join(options)]))}, not {unknown[0]}"
            )
        return self.words


def parse(command: str, program: str, words: list[str]) -> Request:
    """Split the words of a command line into the options that the command reads itself and the others.

    Raises:
        ZooError: An option has no value, is given twice, names something unknown, or is missing.
    """
    request = Request(command, program.replace("COMMAND", command))
    trains = command in ("fit", "sweep")
    if trains and words and not words[0].startswith("-"):
        words = ["--model", *words]
    if command == "check" and words and not words[0].startswith("-"):
        words = ["--data", *words]
    configs: list[str] = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        name = option.removesuffix(".name").removeprefix("--")
        config = trains and option == "--config"
        if not config and (not option.startswith("--") or name not in COMMANDS[command].own_options):
            request.words.append(word)
            continue
        if not equals:
            value = next(rest, "--")
        if not value or (not equals and value.startswith("--")):
            raise ZooError(f"{option} needs a value")
        if config:
            configs.append(value)
            request.words += [option, value]
        elif isinstance(known := getattr(request, name), list):
            known.append(value)
        elif known not in (None, value):
            raise ZooError(f"{option} is given twice: {known} and {value}")
        else:
            setattr(request, name, value)
    for path in reversed(configs):
        named = read_names(path)
        request.model, request.data = request.model or named["model"], request.data or named["data"]
        for name, asked in (("model", request.model), ("data", request.data)):
            if named[name] not in (None, asked):
                echo(f"zoo: --{name} is {asked}: the options of {named[name]} in {path} are ignored", file=sys.stderr)
    if trains and not request.model and not request.wants_help:
        raise ZooError(f"give a network with --model NAME: {', '.join(list_models())}")
    if request.model:
        model_row(request.model)
    if request.data:
        data_row(request.data)
    return request
