"""The command line: ``zoo fit``, ``test``, ``predict`` and the others, the scripts, and ``python -m zoo``.

This module finds out what is meant and answers what can be answered at once; it imports nothing heavy before it must.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module

from zoo.commands.request import parse
from zoo.errors import ZooError, suggestion
from zoo.launch.launchers import check_environment, rank_prefix
from zoo.launch.signals import exit_on_interrupt, listen
from zoo.registry import datamodules, models
from zoo.support.console import echo, escape_control
from zoo.support.files import DISK_FULL
from zoo.support.tables import format_table

USAGE = {
    "fit": "zoo fit --model NAME [--data NAME] [--OPTION VALUE ...]",
    "test": "zoo test {--ckpt FILE|--model NAME --weights NAME} [--data NAME] [--OPTION VALUE ...]",
    "predict": "zoo predict {--ckpt FILE|--model NAME --weights NAME} PICTURE|TEXT|ROW|FILE ...",
    "export": "zoo export {--ckpt FILE|--model NAME --weights NAME} --format onnx|pt2|safetensors --out FILE",
    "results": "zoo results FOLDER ... [--csv FILE]",
    "prepare": "zoo prepare DATA ... [--root FOLDER]",
    "list": "zoo list [--names]",
    "describe": "zoo describe NAME",
}

MODULES = {
    "fit": "zoo.commands.fit",
    "test": "zoo.commands.evaluate",
    "predict": "zoo.commands.evaluate",
    "export": "zoo.commands.export",
}
"""Where the commands are that compute; they are imported when they are asked for."""

PURPOSE = {
    "fit": "train a network and report on it",
    "test": "evaluate a checkpoint or published weights on every split of their data",
    "predict": "ask a checkpoint or published weights about pictures, texts (or files of them), or rows such as 0,1",
    "export": "write a checkpoint or published weights in a format that other programs run",
    "results": "show what the runs in folders came to, as one table",
    "prepare": "fetch data sets beforehand, for machines without a network",
    "list": "show the networks and the data sets",
    "describe": "show the card, the defaults and the size of a network or a data set",
}


def main(argv: Sequence[str] | None = None, program: str = "zoo COMMAND") -> int:
    """Run a command line and return its exit code: 0, or 2 for bad input, which is told in one line.

    Args:
        argv: The command and its options; by default, those of the process.
        program: How the user would start the command again.
    """
    _open_streams()
    os.environ["MPLBACKEND"] = "agg"  # figures are drawn to files; matplotlib would refuse an unknown backend
    try:
        check_environment()
        listen()
        return _run(list(sys.argv[1:] if argv is None else argv), program)
    except ZooError as error:
        _complain(escape_control(f"zoo: error: {rank_prefix()}{error}"))
        return 2
    except KeyboardInterrupt:
        _complain("\nzoo: interrupted")
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        return 141
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise
        _complain(f"zoo: error: {error.strerror}: {error.filename or 'the disk'}; make room and try again")
        return 2


def _open_streams() -> None:
    """Let the process print, also where its streams were closed, or lack characters: those are shown as ? then."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115  # for the process's life
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _complain(line: str) -> None:
    with contextlib.suppress(OSError):  # the exit code tells it too
        echo(line, file=sys.stderr)


def script(command: str) -> int:
    """Run a command as its own script: ``python scripts/fit.py ...`` is ``zoo fit ...``."""
    return main([command, *sys.argv[1:]], program=f"python {sys.argv[0]}")


def _run(argv: list[str], program: str) -> int:
    if argv[:1] == ["help"]:
        argv = [*argv[1:2], "--help"]
    if not argv or argv[0] in ("--help", "-h"):
        echo(_help())
        return 0
    if argv[0] == "--version":
        from zoo.support.version import __version__

        echo(__version__)
        return 0
    command, *words = argv
    if command not in USAGE:
        raise ZooError(f"unknown command {command!r}{suggestion(command, USAGE) or '; try: ' + ', '.join(USAGE)}")
    if command == "list":
        return _list(words)
    if command == "describe":
        return _describe(words)
    if command in ("results", "prepare"):
        if words in (["--help"], ["-h"]):
            echo(_command_help(command))
            return 0
        return _results(words) if command == "results" else _prepare(words)
    request = parse(command, program, words)
    if request.wants_help and (command in ("predict", "export") or not request.model):
        echo(_command_help(command))
        return 0
    if command == "fit" and not request.model:
        raise ZooError(f"which network? Give --model NAME: {', '.join(sorted(models()))}")
    with exit_on_interrupt():
        try:
            import lightning.pytorch  # noqa: F401  # the environment alone can keep it from being imported
        except Exception as error:
            raise ZooError(f"lightning cannot be imported: {' '.join(str(error).split())[:200]}") from None
        run = getattr(import_module(MODULES[command]), command)
    return int(run(request))


def _list(words: list[str]) -> int:
    if words == ["--names"]:
        echo("\n".join(sorted(models())))
    elif words in (["--help"], ["-h"]):
        echo(_command_help("list"))
    elif words:
        raise ZooError(f"zoo list takes --names or nothing, got {' '.join(words)}")
    else:
        echo(_zoo())
    return 0


def _describe(words: list[str]) -> int:
    if words in (["--help"], ["-h"]):
        echo(_command_help("describe"))
        return 0
    if len(words) != 1 or words[0].startswith("-"):
        raise ZooError("zoo describe takes one name, of a network or a data set; zoo list shows them")
    from zoo.commands.describe import describe

    echo(describe(words[0]))
    return 0


def _results(words: list[str]) -> int:
    from zoo.reports.results import show

    folders, csv = _without_option(words, "--csv", "zoo results takes folders")
    show(folders or ["runs"], csv)
    return 0


def _prepare(words: list[str]) -> int:
    names, root = _without_option(words, "--root", "zoo prepare takes data sets")
    if not names:
        raise ZooError(f"which data sets? Give some of: {', '.join(sorted(datamodules()))}")
    from zoo.commands.prepare import prepare

    prepare(names, root)
    return 0


def _without_option(words: list[str], option: str, takes: str) -> tuple[list[str], str | None]:
    """Return the words without an option, and its value if it is given."""
    rest, value = list(words), None
    if option in rest:
        place = rest.index(option)
        value = rest[place + 1] if place + 1 < len(rest) else ""
        del rest[place : place + 2]
        if not value or value.startswith("--"):
            raise ZooError(f"{option} needs a value")
    if unknown := [word for word in rest if word.startswith("-")]:
        raise ZooError(f"{takes} and {option}, not {unknown[0]}")
    return rest, value


def _zoo() -> str:
    from zoo.weights import list_weights

    networks = [
        (name, row.data, str(row.max_epochs), ", ".join(list_weights(name)), row.summary)
        for name, row in sorted(models().items())
    ]
    data = [(name, row.summary) for name, row in sorted(datamodules().items())]
    table = format_table(("network", "data", "epochs", "weights", ""), networks)
    return f"{table}\n\n{format_table(('data set', ''), data)}"


def _help() -> str:
    commands = "\n".join(f"  {name:<9}{purpose}" for name, purpose in PURPOSE.items())
    return f"""usage: zoo COMMAND [--OPTION VALUE ...]

{commands}

{_zoo()}

`zoo fit slp` trains a network as its document does; `zoo fit --model slp --help` shows its options."""


def _command_help(command: str) -> str:
    lines = [f"usage: {USAGE[command]}", "", PURPOSE[command]]
    if command in ("fit", "test"):
        lines += [
            "",
            _zoo(),
            "",
            f"`zoo {command} --model slp --help` shows all the options.",
        ]
    return "\n".join(lines)
