"""Parsers whose options are the arguments of a network, a data module and Lightning's Trainer."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Collection, Iterator
from typing import Any, NoReturn

from jsonargparse import ActionConfigFile, ArgumentParser, Namespace  # type: ignore[attr-defined]
from lightning.fabric.plugins import CheckpointIO, ClusterEnvironment
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.accelerators import Accelerator
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins import LayerSync, Precision
from lightning.pytorch.profilers import Profiler
from lightning.pytorch.strategies import Strategy

from zoo.commands.report_options import add_report_options
from zoo.commands.run_options import add_run_options
from zoo.commands.suggestions import suggest_option
from zoo.commands.transfer import add_transfer_options
from zoo.datamodules.common.base import DataModule
from zoo.errors import ZooError
from zoo.internals.jsonargparse import (
    actions,
    as_one_line,
    class_problem,
    instantiate,
    no_import_warnings,
    takes_null,
    unknown_argument,
)
from zoo.registry import list_datamodules, list_models
from zoo.tasks import Task
from zoo.training.config_file import CLASSES, config_text

BASES = (Callback, Logger, Profiler, Strategy, Accelerator, Precision, ClusterEnvironment, CheckpointIO, LayerSync)
"""Base classes of the objects that the Trainer takes."""


class ConfigFile(ActionConfigFile):
    """The option ``--config``. Jsonargparse is given the checked text, and opens no file itself."""

    def __call__(self, parser: Any, namespace: Any, values: Any, option_string: str | None = None) -> None:
        """Add the options of a file to those parsed so far."""
        names = {name: parser.get_default(f"{name}.name") for name in ("model", "data")}
        self.apply_config(
            parser, namespace, self.dest, f"\n{config_text(values, names)}"
        )  # no path begins with a newline


class Parser(ArgumentParser):
    """Jsonargparse's parser, with one-line errors and suggestions for misspelled options."""

    def parse_args(self, *args: Any, **kwargs: Any) -> Namespace:  # type: ignore[override]
        """Parse the options. Raises ZooError for an invalid option, or for a class that the Trainer does not take."""
        with no_import_warnings():  # about classes that are refused below
            options: Namespace = super().parse_args(*args, **kwargs)
        for action in actions(self):  # to jsonargparse, null fits any type
            if action.dest in options and options[action.dest] is None and not takes_null(action):
                raise ZooError(f"--{action.dest} must not be null; give a value or omit it")
        for name in CLASSES:
            _check_objects(options.get(f"trainer.{name}"), f"--trainer.{name}")
        return options

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise a one-line ZooError."""
        if option := unknown_argument(message):
            raise ZooError(_unknown_option(option, self.options()))
        raise ZooError(as_one_line(message))

    def options(self) -> list[str]:
        """Return the names of all options, such as ``--model.lr``."""
        return [option for action in actions(self) for option in action.option_strings if option.startswith("--")]


def make_fit_parser(program: str, model: type[Task], data: type[DataModule]) -> Parser:
    """Return the parser of ``zoo fit`` for a network and a data set."""
    parser = Parser(prog=program, usage=f"{program} [--OPTION VALUE ...]", allow_abbrev=False)
    parser.add_argument(
        "--config", action=ConfigFile, help="read options from a file, such as the config.yaml of a run"
    )
    add_run_options(parser)
    add_transfer_options(parser)
    add_report_options(parser)
    parser.add_class_arguments(model, "model", instantiate=False)
    parser.add_argument("--model.name", type=str, help="name of the network; --model is short for it")
    parser.add_argument(
        "--data.batch_size_per_device",
        type=int | None,
        help="batch size of each process; --data.batch_size is that of all processes together",
    )
    _add_data_and_trainer(parser, data)
    _complete_help(parser)
    return parser


def make_test_parser(program: str, data: type[DataModule]) -> Parser:
    """Return the parser of ``zoo test`` for a data set."""
    parser = Parser(prog=program, usage=f"{program} --ckpt FILE [--OPTION VALUE ...]", allow_abbrev=False)
    add_report_options(parser)
    _add_data_and_trainer(parser, data)
    return parser


def _add_data_and_trainer(parser: Parser, data: type[DataModule]) -> None:
    parser.add_class_arguments(data, "data", instantiate=False, skip={"seed"})
    parser.add_argument("--data.name", type=str, help="name of the data set; --data is short for it")
    parser.add_class_arguments(Trainer, "trainer", instantiate=False, fail_untyped=False)
    parser.set_defaults({"trainer.num_sanity_val_steps": 0})  # the trial step checks more, in less time


def _complete_help(parser: Parser) -> None:
    """Complete the help of the sections' own names."""
    for action in actions(parser):
        if action.dest in ("model", "data"):
            action.metavar, action.help = "NAME", "one of the names that `zoo list` shows"


def _check_objects(value: Any, option: str) -> None:
    """Raise ZooError for a class that the Trainer does not take, and for functions, which would be called."""
    if isinstance(value, list):
        for item in value:
            _check_objects(item, option)
    elif isinstance(value, Namespace) and "class_path" in value:
        module, _, name = value.class_path.rpartition(".")
        cls = getattr(importlib.import_module(module), name)
        if not (inspect.isclass(cls) and issubclass(cls, BASES)):
            raise ZooError(f"{option} does not take {value.class_path}; expected a subclass of Lightning's own class")
        defaults = inspect.signature(cls).parameters
        for argument, given in value.get("init_args", Namespace()).as_dict().items():
            if callable(given) and given is not getattr(defaults.get(argument), "default", None):
                raise ZooError(f"{option}: {argument} of {name} is a function, which an option cannot give; use Python")
        for given in vars(value.get("init_args", Namespace())).values():
            _check_objects(given, option)


def section(options: Namespace, name: str) -> dict[str, Any]:
    """Return the options of a section, such as ``model``, as arguments of its class."""
    values: dict[str, Any] = options.get(name, Namespace()).as_dict()
    for ours in ("name", "batch_size_per_device"):  # options that are not arguments of the class
        values.pop(ours, None)
    return values


def flat(options: Namespace) -> Iterator[tuple[str, Any]]:
    """Yield all options by their full names, such as ``model.lr`` and ``seed``."""
    for name, value in vars(options).items():
        if isinstance(value, Namespace):
            yield from ((f"{name}.{key}", item) for key, item in vars(value).items())
        else:
            yield name, value


def trainer_arguments(parser: Parser, options: Namespace, names: Collection[str] = ()) -> dict[str, Any]:
    """Return the arguments of Lightning's Trainer that the options ask for; callbacks, loggers and the like are built.

    Args:
        parser: The parser.
        options: The options.
        names: Which arguments; by default, all.

    Raises:
        ZooError: An object cannot be built.
    """
    strategy = str(options.trainer.strategy)
    if any(word in strategy for word in ("spawn", "fork", "notebook")):
        raise ZooError(f"--trainer.strategy {strategy} starts processes that return nothing; use ddp")
    asked = Namespace(**{name: value for name, value in vars(options.trainer).items() if not names or name in names})
    try:
        arguments: dict[str, Any] = instantiate(parser, Namespace(trainer=asked)).trainer.as_dict()
    except (MisconfigurationException, ImportError, RuntimeError, TypeError, ValueError) as error:
        raise ZooError(f"the trainer cannot be set up: {class_problem(str(error))}") from None
    return arguments


def _unknown_option(option: str, options: list[str]) -> str:
    if option.startswith("-"):
        return f"unknown option {option}{suggest_option(option, options) or '; see --help'}"
    names = {"data": list_datamodules(), "model": list_models()}
    meant = next((f"--{kind} {option.lower()}" for kind in names if option.lower() in names[kind]), None)
    return f"unexpected word {option!r}" + (f"; did you mean {meant!r}?" if meant else "")
