"""The command line: ``zoo fit|test|predict|list|describe``, the scripts, and ``python -m zoo``.

This module finds out what is meant and answers what can be answered at once; it imports nothing heavy before it must.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from zoo.errors import ZooError, suggestion
from zoo.registry import DATAMODULES, MODELS, data_row, model_row

USAGE = {
    "fit": "zoo fit --model NAME [--data NAME] [--OPTION VALUE ...]",
    "test": "zoo test --ckpt FILE [--model NAME] [--data NAME] [--OPTION VALUE ...]",
    "predict": "zoo predict --ckpt FILE [--model NAME] PICTURE|TEXT|ROW|FILE ...",
    "list": "zoo list [--names]",
    "describe": "zoo describe NAME",
}

PURPOSE = {
    "fit": "train a network and report on it",
    "test": "evaluate a checkpoint on its test set",
    "predict": "ask a checkpoint about pictures, texts (or files of them), or rows such as 0,1",
    "list": "show the networks and the data sets",
    "describe": "show the card, the defaults and the size of a network or a data set",
}


@dataclass
class Request:
    """What the user asked for.

    Attributes:
        command: One of fit, test, predict.
        program: How the command was started, to tell the user how to start it again.
        model: Name of the network, if given.
        data: Name of the data set, if given.
        ckpt: File of the checkpoint, if given.
        options: The remaining words of the command line.
    """

    command: str
    program: str
    model: str | None = None
    data: str | None = None
    ckpt: str | None = None
    options: list[str] = field(default_factory=list)

    @property
    def wants_help(self) -> bool:
        """Whether help is asked for."""
        return "--help" in self.options or "-h" in self.options


def main(argv: Sequence[str] | None = None, program: str = "zoo COMMAND") -> int:
    """Run a command line and return its exit code: 0, or 2 for bad input, which is told in one line.

    Args:
        argv: The command and its options; by default, those of the process.
        program: How the user would start the command again.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no × or → shows ? instead
    try:
        return _run(list(sys.argv[1:] if argv is None else argv), program)
    except ZooError as error:
        print(f"zoo: error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nzoo: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output, such as `head`, has gone
        sys.stderr.close()
        return 141


def script(command: str) -> int:
    """Run a command as its own script: ``python scripts/fit.py ...`` is ``zoo fit ...``."""
    return main([command, *sys.argv[1:]], program=f"python {sys.argv[0]}")


def _run(argv: list[str], program: str) -> int:
    if not argv or argv[0] in ("--help", "-h"):
        print(_help())
        return 0
    if argv[0] == "--version":
        from zoo import __version__

        print(__version__)
        return 0
    command, *words = argv
    if command not in USAGE:
        raise ZooError(f"unknown command {command!r}{suggestion(command, USAGE) or '; try: ' + ', '.join(USAGE)}")
    if command == "list":
        return _list(words)
    if command == "describe":
        return _describe(words)
    request = _request(command, program, words)
    if request.wants_help and (command == "predict" or not request.model):
        print(_command_help(command))
        return 0
    if command == "fit":
        if not request.model:
            raise ZooError(f"which network? Give --model NAME: {', '.join(sorted(MODELS))}")
        from zoo.fit import fit

        return fit(request)
    from zoo.evaluate import predict, test

    return test(request) if command == "test" else predict(request)


def _request(command: str, program: str, words: list[str]) -> Request:
    """Take the names of network, data set and checkpoint out of the options, since the other options depend on them."""
    request = Request(command, program.replace("COMMAND", command))
    if command == "fit" and words and not words[0].startswith("-"):
        words = ["--model", *words]
    configs: list[Path] = []
    rest = iter(words)
    for word in rest:
        option, equals, value = word.partition("=")
        option = option.removesuffix(".name")
        if option not in ("--model", "--data", "--config") and (option != "--ckpt" or command == "fit"):
            request.options.append(word)
            continue
        if not equals:
            following = next(rest, None)
            if following is None or following.startswith("--"):
                raise ZooError(f"{option} needs a value")
            value = following
        if option == "--config":
            configs.append(Path(value))
            request.options += [option, value]
        elif getattr(request, option[2:]) not in (None, value):
            raise ZooError(f"{option} is given twice: {getattr(request, option[2:])} and {value}")
        else:
            setattr(request, option[2:], value)
    if command == "fit":
        for config in reversed(configs):
            named = names_in(config)
            request.model, request.data = request.model or named["model"], request.data or named["data"]
    if request.model:
        model_row(request.model)
    if request.data:
        data_row(request.data)
    return request


def names_in(config: Path) -> dict[str, str | None]:
    """Return the names of the network and the data set that a config file holds."""
    import yaml

    try:
        content = yaml.safe_load(config.read_text(encoding="utf-8")) or {}
    except OSError as error:
        raise ZooError(f"cannot read --config {config}: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ZooError(f"--config {config} is not YAML: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ZooError(f"--config {config} holds no options; the config.yaml of a run folder shows how they look")
    sections = {name: content.get(name) for name in ("model", "data")}
    names = {name: section.get("name") if isinstance(section, dict) else None for name, section in sections.items()}
    for name, value in names.items():
        if not isinstance(value, str | None):
            raise ZooError(f"--config {config}: {name}.name must be a name, got {value}")
    return names


def _list(words: list[str]) -> int:
    if words == ["--names"]:
        print("\n".join(sorted(MODELS)))
    elif words in (["--help"], ["-h"]):
        print(_command_help("list"))
    elif words:
        raise ZooError(f"zoo list takes --names or nothing, got {' '.join(words)}")
    else:
        print(_zoo())
    return 0


def _describe(words: list[str]) -> int:
    if words in (["--help"], ["-h"]):
        print(_command_help("describe"))
        return 0
    if len(words) != 1 or words[0].startswith("-"):
        raise ZooError("zoo describe takes one name, of a network or a data set; zoo list shows them")
    from zoo.describe import describe

    print(describe(words[0]))
    return 0


def _zoo() -> str:
    models = [(name, row.data, str(row.max_epochs), row.summary) for name, row in sorted(MODELS.items())]
    data = [(name, row.summary) for name, row in sorted(DATAMODULES.items())]
    return f"{_table(('network', 'data', 'epochs', ''), models)}\n\n{_table(('data set', ''), data)}"


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    lines = (zip(row, widths, strict=True) for row in (header, *rows))
    return "\n".join("  ".join(f"{cell:<{width}}" for cell, width in line).rstrip() for line in lines)


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
