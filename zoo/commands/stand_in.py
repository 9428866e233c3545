"""The embedded data set, in the place of one that is neither on disk nor can be downloaded."""

from __future__ import annotations

from dataclasses import replace

from zoo.commands.options import Options, parse_options
from zoo.commands.parser import section
from zoo.commands.parser_defaults import STAND_IN, fit_parser_with_defaults
from zoo.datamodules.common import DataUnavailableError
from zoo.errors import ZooError
from zoo.factory import create_datamodule, model_class
from zoo.internals.lightning import is_first_rank
from zoo.training.warn import warn


def prepare_or_substitute_data(options: Options, processes: int) -> Options:
    """Prepare the data of a run, downloading it if needed; if it is not available, switch to the embedded data.

    Data that the user named is not replaced, nor that of networks that do not take images, nor in a run of several
    processes, of which only the first knows.

    Args:
        options: The options of the run.
        processes: Number of its processes.

    Raises:
        ZooError: The data is not available, and may not be replaced.
    """
    if not is_first_rank():
        return options
    try:
        create_datamodule(options.data, **section(options.values, "data"), seed=options.values.seed).prepare_data()
    except DataUnavailableError as error:
        if model_class(options.model).takes != "image":
            raise
        if options.request.data or processes > 1:
            raise ZooError(f"{error}, or train on the embedded digits with --data {STAND_IN}") from None
        return _with_stand_in(options, error)
    return options


def _with_stand_in(options: Options, error: DataUnavailableError) -> Options:
    """Return the options with the embedded data instead of the documented, and print a warning."""
    instead = replace(options.request, data=STAND_IN, words=[])
    known = fit_parser_with_defaults(instead).options()
    words, unused = iter(options.request.words), ""
    for word in words:
        option, equals, _ = word.partition("=")
        if option.startswith("--data.") and option not in known:
            unused += f" {option} is ignored."
            if not equals:
                next(words, None)  # its value
        else:
            instead.words.append(word)
    warn(
        f"{error}.",
        f"Training on the embedded {STAND_IN} instead: results are NOT those of {options.data}.{unused}",
    )
    return parse_options(instead, options.start)
