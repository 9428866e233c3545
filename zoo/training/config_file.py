"""Config files: YAML that is checked to be plain data before anything else reads it."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from zoo.errors import ZooError
from zoo.support.console import one_line
from zoo.support.files import parse_path, read_bytes

MAX_BYTES = 1_000_000
MAX_VALUES = 20_000
MAX_DEPTH = 20

SHAPE_OPTIONS = (
    *("model.in_dim", "model.in_channels", "model.image_size", "model.input_size", "model.vocab_size"),
    *("model.num_classes", "model.multilabel"),
)
"""Options of networks that follow from the data."""

DATA_OPTIONS = ("data.", "trainer.val_check_interval", "trainer.check_val_every_n_epoch", *SHAPE_OPTIONS)
"""Prefixes of options that belong to one data set: its own, those that count its batches, and its shape."""

MODEL_OPTIONS = ("weights", "freeze", "unfreeze_at")
"""Options outside of its section that belong to one network."""

LONG_NUMBER = re.compile(r"[-+0-9_:.a-fxo]{100,}", re.IGNORECASE)

CLASSES = ("callbacks", "logger", "profiler", "strategy", "accelerator", "plugins")
"""Options of the Trainer that take classes."""


def config_text(path: str | os.PathLike[str], names: Mapping[str, str] | None = None) -> str:
    """Return the text of a config file, checked to be safe to parse as YAML.

    Args:
        path: The file.
        names: Names of the network and the data set that it is for, by section. Options of others are left out.

    Raises:
        ZooError: It cannot be read, is not YAML, or holds anything but options: aliases, tags, numbers of hundreds of
            digits, or classes where none is taken.
    """
    import yaml

    path = parse_path(path, "--config")
    try:
        text = read_bytes(path, MAX_BYTES).decode("utf-8-sig")  # editors on Windows mark UTF-8
        _check_events(text, path)
        content = yaml.load(text, Loader=yaml.BaseLoader)
    except OSError as error:
        raise ZooError(f"cannot read --config {path}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ZooError(f"--config {path} is not YAML: {one_line(error)}") from None
    if not isinstance(content, dict):
        raise ZooError(f"--config {path} has no options; for an example, see the config.yaml of a run")
    for name in ("model", "data", "trainer"):
        if not isinstance(content.get(name, {}), dict):
            raise ZooError(f"--config {path}: {name} must be a section of options, as in the config.yaml of a run")
    try:
        parsed = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except (yaml.YAMLError, ValueError) as error:  # a date that does not exist, or a lone =
        raise ZooError(f"--config {path} is not YAML: {one_line(error)}") from None
    for options in (parsed, *(value for value in parsed.values() if isinstance(value, dict))):
        if keys := [key for key in options if not isinstance(key, str)]:
            raise ZooError(f"--config {path} has the key {str(keys[0])[:40]}, expected the name of an option")
    _check_classes(content, (), path)
    return _drop_options_of_others(names or {}, parsed, text)


def _drop_options_of_others(names: Mapping[str, str], parsed: dict[str, Any], text: str) -> str:
    """Return the text of a config without the options of networks and data sets other than the named ones."""
    import yaml

    others = [section for section in names if parsed.get(section, {}).get("name", names[section]) != names[section]]
    if not others:
        return text
    left_out = [*others, *(MODEL_OPTIONS if "model" in others else ())]
    options = {name: value for name, value in parsed.items() if name not in left_out}
    for section, values in options.items():
        if "data" in others and isinstance(values, dict):
            options[section] = {k: v for k, v in values.items() if not f"{section}.{k}".startswith(DATA_OPTIONS)}
    return str(yaml.safe_dump(options))


def read_names(config: str | os.PathLike[str]) -> dict[str, str | None]:
    """Return the names of the network and the data set in a config file."""
    import yaml

    content = yaml.load(config_text(config), Loader=yaml.BaseLoader)  # reads every value as text
    names = {name: content.get(name, {}).get("name") for name in ("model", "data")}
    for name, value in names.items():
        if not isinstance(value, str | None):
            raise ZooError(f"--config {config}: {name}.name must be a name")
    return {name: None if value in ("", "~", "null") else value for name, value in names.items()}


def _check_events(text: str, path: Path, depth: int = 0) -> None:
    """Raise ZooError for YAML other than plain data; texts are checked too, since they are parsed as YAML again."""
    import yaml

    anchors = set()
    for number, event in enumerate(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH or number > MAX_VALUES:
            raise ZooError(f"--config {path} is nested too deeply, or too long")
        if isinstance(event, yaml.NodeEvent) and not isinstance(event, yaml.AliasEvent):
            anchors.add(event.anchor)
        elif isinstance(event, yaml.AliasEvent) and event.anchor in anchors:
            raise ZooError(f"--config {path} has the alias *{str(event.anchor)[:40]}; write out its value")
        if tag := getattr(event, "tag", None):
            raise ZooError(f"--config {path} has the tag {tag[:40]}; expected plain values")
        if isinstance(event, yaml.ScalarEvent):
            if LONG_NUMBER.fullmatch(event.value):
                raise ZooError(f"--config {path} has a number of {len(event.value)} digits")
            if event.value != text and re.search(r"[&*!{\[]", event.value):
                with contextlib.suppress(yaml.YAMLError):  # the text is not YAML
                    _check_events(event.value, path, depth)


def _check_classes(value: Any, where: tuple[str, ...], path: Path) -> None:
    """Raise ZooError for a class in a place that takes none, or that cannot be one of Lightning's. Imports nothing."""
    import yaml

    takes = where[:1] == ("trainer",) and len(where) > 1 and where[1].partition(".")[0] in CLASSES
    match value:
        case dict():
            for key, item in value.items():
                if str(key).rpartition(".")[2] == "class_path":
                    if not takes and not str(key).startswith("trainer."):
                        raise ZooError(f"--config {path} gives a class for {'.'.join(where) or key}, which takes none")
                    _check_class(item, path)
                _check_classes(item, (*where, str(key)), path)
        case list():
            for item in value:
                _check_classes(item, where, path)
        case str() if "class_path" in value:
            try:
                inside = yaml.load(value, Loader=yaml.BaseLoader)
            except yaml.YAMLError:
                return
            if inside != value:
                _check_classes(inside, where, path)
        case str() if takes and len(where) == 2:
            _check_class(value, path)


def _check_class(name: Any, path: Path) -> None:
    parts = name.split(".") if isinstance(name, str) else [""]
    own = len(parts) > 1 and (parts[0] in sys.stdlib_module_names or "__main__" in parts)
    if not isinstance(name, str) or own or os.path.isfile(name):  # jsonargparse would open it
        raise ZooError(f"--config {path} names {str(name)[:80]!r}, which is not a class that the Trainer takes")
