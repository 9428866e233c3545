"""The parser of ``zoo fit``, with the documented training of a network as defaults."""

from __future__ import annotations

from typing import Any

from zoo.commands.parser import Parser, make_fit_parser
from zoo.commands.request import Request
from zoo.commands.transfer import transfer_defaults
from zoo.factory import create_datamodule, datamodule_class, model_class
from zoo.registry import model_row
from zoo.support.signatures import arguments_of
from zoo.tasks.compatibility import check_pair
from zoo.training.config_file import DATA_OPTIONS
from zoo.weights.starting import StartingWeights

STAND_IN = "digits"
"""The embedded data set, which needs no download."""


def fit_parser_with_defaults(request: Request, start: StartingWeights | None = None) -> Parser:
    """Return the parser for the network and the data set of a request, with the documented training as defaults.

    The defaults of what shapes network and data are those of the weights that the run starts from, if it does.
    """
    assert request.model
    row = model_row(request.model)
    data_name = request.data or row.data
    model, data = model_class(request.model), datamodule_class(data_name)
    check_pair(request.model, model, data_name, data)
    parser = make_fit_parser(request.program, model, data)
    defaults: dict[str, Any] = {
        "model.name": request.model,
        "data.name": data_name,
        "data.batch_size": row.batch_size,
        "trainer.max_epochs": row.max_epochs,
        **{k: value for k, value in row.options.items() if data_name == row.data or not k.startswith(DATA_OPTIONS)},
    }
    if data.any_shape and model.takes == "image":
        defaults |= {f"data.{name}": value for name, value in _documented_shape(request.model).items()}
    if start:
        defaults |= transfer_defaults(start, request.model, data_name)
    parser.set_defaults(defaults)
    return parser


def _documented_shape(model_name: str) -> dict[str, int]:
    """Return the shape of the images that the document trains a network on, as arguments of the embedded data set."""
    row = model_row(model_name)
    options = {option.removeprefix("data."): value for option, value in row.options.items() if "data." in option}
    if "root" in arguments_of(datamodule_class(row.data)):
        options["root"] = "."  # nothing is read from it
    channels, size, _ = create_datamodule(row.data, **options).shape
    return {"channels": channels, "image_size": size}
