"""Jsonargparse: the list of a parser's options, and what its messages say."""

from __future__ import annotations

import contextlib
import re
import warnings
from argparse import Action
from collections.abc import Callable, Iterator
from typing import get_args

import jsonargparse
from jsonargparse import ArgumentParser, Namespace
from packaging.version import Version


def actions(parser: ArgumentParser) -> list[Action]:
    """Return the options of a parser. Neither argparse nor jsonargparse lists them publicly."""
    return parser._actions


def instantiate(parser: ArgumentParser, options: Namespace) -> Namespace:
    """Build the objects that options name; older versions have another name for the method."""
    build: Callable[[Namespace], Namespace] = getattr(parser, "instantiate", None) or parser.instantiate_classes
    return build(options)


def dump_with_null(parser: ArgumentParser, options: Namespace) -> str:
    """Return options as YAML, with those that are null; before jsonargparse 4.50 the argument has another name."""
    keep_null = {"skip_unset" if Version(jsonargparse.__version__) >= Version("4.50") else "skip_none": False}
    text: str = parser.dump(options, skip_validation=True, **keep_null)
    return text


@contextlib.contextmanager
def no_import_warnings() -> Iterator[None]:
    """Ignore jsonargparse's warnings about classes that it will refuse to import in a later version."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"(?s).*(JSONARGPARSE_DEPRECATION_WARNINGS|import_path_denylist)")
        yield


def takes_null(action: Action) -> bool:
    """Return whether an option may be null.

    Jsonargparse takes null for options of any type, and does not tell the type publicly.
    """
    return action.default is None or type(None) in get_args(getattr(action, "_typehint", None))


def unknown_argument(message: str) -> str | None:
    """Return the first argument that a parser did not recognize, if that is what its message says."""
    found = re.match(r"[Uu]nrecognized arguments: (\S+)", message)
    return found[1].partition("=")[0] if found else None


def as_one_line(message: str) -> str:
    """Return a parser's message in one line, with types as users know them."""
    message = re.sub(r'Parser key "([^"]+)":', r"--\1:", message)
    if union := re.match(r"(?s)(--\S+)\s.*Subtypes: (.*?)\s+Errors:.*Given value: (.*)", message):
        expected = re.sub(r"typing\.|<class '[\w.]*?(?=\w+'>)|'>|[\w.]+\.(?=\w+[\],])", "", union[2])
        message = f"{union[1]} Expected one of {expected.replace('NoneType', 'null')}. Got value: {union[3]}"
    return " ".join(re.sub(r"<class '(\w+)'>|typing\.|collections\.abc\.", r"\1", message).split())


def class_problem(message: str) -> str:
    """Return what is wrong with a class that an option names, out of all that jsonargparse tried."""
    if found := re.search(r"Problem with given class_path '([^']+)':\s*(.*)", message):
        message = f"{found[1].rpartition('.')[2]}: {found[2]}"
    elif found := re.search(r"Errors:\s+- (.*?)\s+- Expected a ", message, re.DOTALL):  # of the first type tried
        message = found[1]
    return " ".join(message.split())
