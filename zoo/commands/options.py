"""Parsed options of ``zoo fit``, merged with those of a run that is resumed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from jsonargparse import Namespace

from zoo.commands.parser import Parser, flat
from zoo.commands.parser_defaults import fit_parser_with_defaults
from zoo.commands.request import Request
from zoo.errors import ZooError
from zoo.launch.launchers import devices_and_nodes
from zoo.registry import model_row
from zoo.training.config_file import read_names
from zoo.training.trainer import as_list
from zoo.weights.starting import StartingWeights

FIXED_OPTIONS = ("model.", "data.", "seed", "weights", "freeze", "unfreeze_at")
"""How options begin that a resumed run cannot change."""

CHANGEABLE_OPTIONS = ("data.root", "data.path", "data.batch_size_per_device")
"""Options of the data that may differ in a resumed run: where they are, and another way to give the batch size."""

LIST_OPTIONS = ("trainer.callbacks", "trainer.logger", "trainer.plugins")
"""Options that take several objects."""


@dataclass(frozen=True)
class Options:
    """The options of a request.

    Attributes:
        request: The request.
        parser: The parser of its network and its data set.
        values: The options.
        given: Those of them that the command line, or a config, gives.
        start: The weights that the run starts from, if it does.
    """

    request: Request
    parser: Parser
    values: Namespace
    given: Namespace
    start: StartingWeights | None = None

    @property
    def model(self) -> str:
        """Name of the network."""
        return str(self.request.model)

    @property
    def data(self) -> str:
        """Name of the data set: the requested or the documented one."""
        return self.request.data or model_row(self.model).data


def parse_options(request: Request, start: StartingWeights | None = None) -> Options:
    """Parse the options of a request, which may start from weights. Raises ZooError for one that is wrong."""
    parser = fit_parser_with_defaults(request, start)
    values, given = parser.parse_args(request.words), parser.parse_args(request.words, defaults=False)
    return Options(request, parser, set_launched(values, request), given, start)


def set_launched(values: Namespace, request: Request) -> Namespace:
    """Set the number of processes to what torchrun or SLURM started, unless the command line gives it."""
    for name, value in devices_and_nodes().items():
        if not request.gives(f"--trainer.{name}"):
            values.trainer[name] = value
    return values


def merge_with_run(request: Request, folder: Path) -> tuple[Namespace, Options]:
    """Return the options of the run in a folder, and those with which a request resumes it.

    What can be given several times, such as callbacks, is added to what the run has, unless the run has it already: the
    command that started the run may be repeated.

    Raises:
        ZooError: The request asks for another network, other data or another seed than the run has.
    """
    config = folder / "config.yaml"
    data = read_names(config)["data"]
    if request.data not in (None, data):
        raise ZooError(f"--data is {request.data}, but the run to resume in {folder} has {data}")
    asked = parse_options(replace(request, data=data))
    before = asked.parser.parse_args(["--config", str(config)])
    values = before.clone()
    for option, value in flat(asked.given):
        has = before.get(option)
        if option in LIST_OPTIONS and (run_has := as_list(has)):
            value = [*run_has, *(one for one in as_list(asked.values[option]) if one not in run_has)]
        elif value != has and option.startswith(FIXED_OPTIONS) and option not in CHANGEABLE_OPTIONS:
            raise ZooError(f"--{option} is {value}, but the run to resume in {folder} has {has}; start a new run")
        values[option] = value
    return before, replace(asked, values=set_launched(values, asked.request))
