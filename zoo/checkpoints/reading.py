"""Reading checkpoints, without running code from them."""

from __future__ import annotations

import os
import warnings
import zipfile
from typing import Any

import torch

from zoo.checkpoints.consistency import check_data, check_network
from zoo.checkpoints.schema import check_parts
from zoo.checkpoints.validators import FaultError
from zoo.errors import ZooError
from zoo.factory import build_model, datamodule_class, name_of
from zoo.internals.messages import state_dict_problem
from zoo.registry import datamodules, models
from zoo.support.files import open_file, parse_path
from zoo.support.signatures import arguments_of
from zoo.tasks import Task


def read_checkpoint(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read a checkpoint of the zoo onto the CPU.

    Args:
        path: A local file. URLs are refused.

    Returns:
        The checkpoint. Its entry ``"zoo"`` has the registered names of the model and the data, None if unknown.

    Raises:
        ZooError: The file does not exist, is damaged, or is not a checkpoint of the zoo.
    """
    path = parse_path(path, "checkpoint")
    if not path.exists():
        raise ZooError(f"checkpoint {path} does not exist")
    try:
        with warnings.catch_warnings(action="ignore"), open_file(path) as file:  # of torch, for invalid files
            with zipfile.ZipFile(file) as archive:  # torch does not verify checksums
                if any(part.compress_type != zipfile.ZIP_STORED for part in archive.infolist()) or archive.testzip():
                    raise ValueError("compressed, and so not written by torch, or with a wrong checksum")
            file.seek(0)
            checkpoint = torch.load(file, map_location="cpu", weights_only=True)
    except OSError as error:
        raise ZooError(f"checkpoint {path} cannot be read: {error.strerror or error}") from None
    except Exception:  # arbitrary bytes can raise anything
        raise ZooError(f"{path} is not a checkpoint, or is damaged; nothing was loaded from it") from None
    if not isinstance(checkpoint, dict) or not checkpoint.keys() >= {"zoo", "state_dict"}:
        raise ZooError(f"{path} is not a checkpoint of the zoo")
    try:
        check_parts(checkpoint)
        origin = checkpoint["zoo"]
        origin["model"] = name_of(origin["model"], models())
        origin["data"] = name_of(origin.get("data") or "", datamodules())
        if origin["data"]:
            check_data(origin["data"], checkpoint.get("datamodule_hyper_parameters", {}))
        if origin["model"]:
            check_network(origin["model"], checkpoint)
    except FaultError as fault:
        raise ZooError(f"{path} is damaged: {fault}") from None
    return checkpoint


def load_model(path: str | os.PathLike[str], *, name: str | None = None) -> Task:
    """Build the network of a checkpoint, with its weights, in evaluation mode, on the CPU.

    Only tensors and plain values are loaded (``weights_only=True``), from local files, into networks of the registry,
    so that an untrusted checkpoint cannot run code.

    Args:
        path: A checkpoint saved by Lightning.
        name: Expected name of the network. Default: any.

    Raises:
        ZooError: The file does not exist, is damaged, is not a checkpoint of the zoo, or is one of another network.
    """
    return build_network(read_checkpoint(path), path, name)


def build_network(checkpoint: dict[str, Any], path: str | os.PathLike[str], name: str | None = None) -> Task:
    """Build the network of a checkpoint that was read from ``path``, as :func:`load_model`."""
    found = checkpoint["zoo"]["model"]
    if found is None:
        raise ZooError(f"{path} contains an unregistered network; load it with its class's load_from_checkpoint")
    check_network_name(checkpoint, path, name or found)
    model = build_model(found, **checkpoint.get("hyper_parameters", {}))
    load_weights(model, checkpoint, path)
    return model.eval()


def data_arguments(checkpoint: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the data module that a checkpoint was trained on, empty if it is unknown.

    Those of the machine are left out, such as the data folder and the number of workers, since this may be another one.
    """
    if not (data := checkpoint["zoo"]["data"]):
        return {}
    cls = datamodule_class(data)
    known = set(arguments_of(cls)) - set(cls.of_this_machine)
    return {key: value for key, value in checkpoint.get("datamodule_hyper_parameters", {}).items() if key in known}


def check_network_name(checkpoint: dict[str, Any], path: str | os.PathLike[str], name: str) -> None:
    """Raise ZooError if a checkpoint that was read from ``path`` is not one of the network ``name``."""
    found = checkpoint["zoo"]["model"]
    if found != name:
        what, hint = (f"the network {found!r}", f"; use --model {found}") if found else ("an unregistered network", "")
        raise ZooError(f"{path} contains {what}, expected {name!r}{hint}")


def load_weights(model: Task, checkpoint: dict[str, Any], path: str | os.PathLike[str]) -> None:
    """Load the weights and the transform of a checkpoint that was read from ``path`` into a network.

    Raises:
        ZooError: The weights do not fit.
    """
    model.on_load_checkpoint(checkpoint)
    try:
        model.load_state_dict(checkpoint["state_dict"])
    except RuntimeError as error:
        raise ZooError(f"{path} does not fit this {type(model).__name__}: {state_dict_problem(error)}") from None
