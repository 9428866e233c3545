"""The command line: ``zoo fit``, ``test``, ``predict`` and the others, the scripts, and ``python -m zoo``.

This module runs the requested command, which is a module of its own. Nothing heavy is imported before it is needed.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import os
import sys
import threading
from collections.abc import Sequence
from importlib import import_module
from traceback import walk_stack
from typing import Any, NoReturn

from zoo.commands.help import command_help, overview
from zoo.commands.registry import COMMANDS
from zoo.commands.request import parse
from zoo.errors import ZooError, suggestion
from zoo.internals.deferred import import_lightning
from zoo.launch.launchers import check_environment, rank_prefix
from zoo.launch.signals import exit_on_interrupt, listen
from zoo.support.console import echo, escape_control, one_line
from zoo.support.files import DISK_FULL
from zoo.support.version import __version__


def main(argv: Sequence[str] | None = None, program: str = "zoo COMMAND") -> int:
    """Run a command line and return its exit code: 0, or 2 after bad input, which is reported in one line.

    Args:
        argv: The command and its options; by default, those of the process.
        program: How the user would start the command again.
    """
    _open_streams()
    os.environ["MPLBACKEND"] = "agg"  # figures are drawn to files; matplotlib would refuse an unknown backend
    try:
        check_environment()
        listen()
        code = _run(list(sys.argv[1:] if argv is None else argv), program)
        sys.stdout.flush()  # here, where a full disk and a closed pipe are reported
        return code
    except ZooError as error:
        _complain(escape_control(f"zoo: error: {rank_prefix()}{error}"))
        return 2
    except KeyboardInterrupt:
        _complain("\nzoo: interrupted")
        return 130
    except BrokenPipeError:  # the program that reads our output, such as `head`, has ended
        sys.stderr.close()
        return 141
    except OSError as error:
        if error.errno in DISK_FULL:
            todo = "free some space"
        elif isinstance(error, PermissionError):
            todo = "close it in other programs, or see to the rights to it,"
        else:
            raise
        place = escape_control(error.filename2 or error.filename or "the disk")
        _complain(f"zoo: error: {error.strerror}: {place}; {todo} and try again")
        return 2


def _open_streams() -> None:
    """Make printing safe: to streams that are closed, and of characters that they lack, which become ``?``."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # open for the life of the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):  # the exit code says so too
        echo(line, file=sys.stderr)


def process(argv: Sequence[str] | None = None, program: str = "zoo COMMAND") -> NoReturn:
    """Run a command line as this process, without Python's own end, which takes 0.7 s once torch is imported."""
    code = main(argv, program)
    if not _is_hosted():
        # What Python's own end begins with; there are no public names. The first ends the threads of pools, which would
        # wait for work forever, and waits for other threads.
        threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001
        atexit._run_exitfuncs()  # noqa: SLF001
        with contextlib.suppress(OSError, ValueError):  # a closed stream
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    sys.exit(code)


def _is_hosted() -> bool:
    """Return whether another program, such as IPython's ``%run``, called the script, and goes on after it."""
    names = [frame.f_code.co_name for frame, _ in walk_stack(None) if frame.f_globals.get("__name__") != "runpy"]
    return names.count("<module>") != 1 or len(names) > len(("_is_hosted", "process", "script", "<module>"))


def script(command: str) -> NoReturn:
    """Run a command from a script of its own: ``python scripts/fit.py ...`` is ``zoo fit ...``."""
    process([command, *sys.argv[1:]], program=f"python {sys.argv[0]}")


def _run(argv: list[str], program: str) -> int:
    if argv[:1] == ["help"]:
        argv = [*argv[1:2], "--help"]
    if not argv or argv[0] in ("--help", "-h"):
        echo(overview())
        return 0
    if argv[0] == "--version":
        echo(__version__)
        return 0
    name, *words = argv
    if name not in COMMANDS:
        raise ZooError(f"unknown command {name!r}{suggestion(name, COMMANDS) or '; try: ' + ', '.join(COMMANDS)}")
    request = parse(name, program, words)
    if request.wants_help and not (request.model and COMMANDS[name].has_options):
        echo(command_help(name))
        return 0
    return int(_load(name).run(request))


def _load(name: str) -> Any:
    """Import the module of a command."""
    if not COMMANDS[name].computes:
        return import_module(f"zoo.commands.{name}")
    with exit_on_interrupt():
        try:
            import_lightning()  # environment variables can make it fail
        except Exception as error:
            raise ZooError(f"lightning cannot be imported: {one_line(error)[:200]}") from None
        return import_module(f"zoo.commands.{name}")
