"""The options of ``zoo fit`` that start a run from trained weights, and what those weights change in others."""

from __future__ import annotations

from typing import Any, Literal

from jsonargparse import ArgumentParser, Namespace

from zoo.errors import ZooError
from zoo.factory import datamodule_class, model_class
from zoo.support.signatures import arguments_of
from zoo.transforms import from_spec, input_shape
from zoo.weights.starting import StartingWeights

NOT_OF_THE_DATA = ("batch_size", "augment")
"""Arguments of a data module that say how a network was trained, rather than on what."""


def add_transfer_options(parser: ArgumentParser) -> None:
    """Add the options to the parser of ``zoo fit``."""
    parser.add_argument(
        "--weights",
        type=str | None,
        help="start from trained weights: the name of published ones, or the file of a checkpoint; the head is new if "
        "the classes differ",
    )
    parser.add_argument("--freeze", type=Literal["backbone"] | None, help="train the head alone, from --weights")
    parser.add_argument(
        "--unfreeze_at", type=int | None, help="epochs that --freeze lasts (default: all); then all layers train"
    )


def check_transfer(options: Namespace, model: str) -> None:
    """Raise ZooError if the options contradict each other, or do not fit the network."""
    if options.unfreeze_at is not None and not options.freeze:
        raise ZooError("--unfreeze_at needs --freeze backbone")
    if options.unfreeze_at is not None and options.unfreeze_at < 1:
        raise ZooError(f"--unfreeze_at must be at least 1 epoch, got {options.unfreeze_at}")
    if options.freeze and not options.weights:
        raise ZooError("--freeze backbone needs --weights: the layers below the head would stay random")
    if options.freeze and not model_class(model).head:
        raise ZooError(f"--freeze backbone needs a network with a head, which {model!r} has not; omit it")


def transfer_defaults(start: StartingWeights, model: str, data: str) -> dict[str, Any]:
    """Return the defaults of options with which network and data fit the weights that a run starts from."""
    takes, data_takes = arguments_of(model_class(model)), arguments_of(datamodule_class(data))
    of_data = {"vocab_size": start.arguments.get("vocab_size")}
    if start.transform and (transform := from_spec(start.transform)).takes == "image":
        of_data["channels"], of_data["image_size"], _ = input_shape(transform)
    if start.data == data:
        of_data |= {name: value for name, value in start.data_arguments.items() if name not in NOT_OF_THE_DATA}
    return {
        **{f"model.{name}": value for name, value in start.arguments.items() if name in takes},
        **{f"data.{name}": value for name, value in of_data.items() if name in data_takes and value is not None},
    }
