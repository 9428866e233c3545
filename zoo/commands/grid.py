"""The runs of a series: what ``--seeds``, ``--folds`` and options with several values ask for."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence

from zoo.commands.registry import SERIES
from zoo.commands.request import Request
from zoo.commands.space import corners, parse_range, parse_space
from zoo.errors import ZooError
from zoo.training.series import SubRun

MOST_RUNS = 1000

SINGLE = ("--config", "--out", "--name", "--ckpt_path", "--seed", "--test")
"""Options that are the same for all runs."""


def plan_runs(request: Request) -> tuple[list[str], list[SubRun]]:
    """Return the words of a request that all runs share, and the runs; of a search, those at the corners of its space.

    Raises:
        ZooError: An option is wrong, or contradicts another.
    """
    words, grid = read_grid(request)
    combinations: Iterable[dict[str, str]] = (
        dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())
    )
    number = math.prod(map(len, grid.values()))
    if request.search:
        combinations, number = corners(parse_space(grid)), parse_trials(request)
    if (count := number * len(runs_of(request, {}))) > MOST_RUNS:
        raise ZooError(f"these are {count:,} runs, expected at most {MOST_RUNS:,}")
    return words, [run for n, options in enumerate(combinations, start=1) for run in runs_of(request, options, n)]


def read_grid(request: Request) -> tuple[list[str], dict[str, list[str]]]:
    """Return the words of a request that all runs share, and the options of a sweep that differ, with their values.

    Raises:
        ZooError: An option is wrong, or contradicts another.
    """
    words = list(request.words)
    grid: dict[str, list[str]] = {}
    if request.command == "sweep":
        words, grid = split_grid(words)
        if not grid and not request.search:
            hint = "for several seeds of one combination, use zoo fit --seeds"
            raise ZooError(f"zoo sweep needs an option with several values, such as --model.lr 0.01,0.1; {hint}")
    if request.seeds and request.gives("--seed"):
        raise ZooError("--seed and --seeds exclude each other; give one of them")
    if request.folds and (request.gives("--data.val_size") or "--data.val_size" in grid):
        raise ZooError("--folds and --data.val_size exclude each other: each fold is the validation part once")
    ranges = [f"{option} {values[0]}" for option, values in grid.items() if len(values) == 1]
    if ranges and not request.search:
        raise ZooError(f"{ranges[0]} is a range, which needs --search optuna; without it, give values: 0.01,0.1")
    if request.search and not ranges:
        raise ZooError(
            "--search needs an option with a range, such as --model.lr 1e-4..1e-1:log; values need no search"
        )
    return words, grid


def runs_of(request: Request, options: Mapping[str, str], number: int = 0) -> list[SubRun]:
    """Return the runs of one combination of options: with each seed, and on each fold.

    Args:
        request: The command.
        options: The options.
        number: Which combination it is, from 1.
    """
    seeds = parse_seeds(request.seeds) if request.seeds else []
    folds = parse_count(request.folds, "--folds", 2) if request.folds else 0
    axes = [[(str(number), options)]] if options else []
    axes += [[(f"seed-{seed}", {"--seed": seed}) for seed in seeds]] if seeds else []
    axes += [[(f"fold-{n}", {"--data.val_size": f"{n}/{folds}"}) for n in range(1, folds + 1)]] if folds else []
    runs = []
    for chosen in itertools.product(*axes):
        given = {option: value for _, part in chosen for option, value in part.items()}
        runs.append(SubRun("-".join(name for name, _ in chosen), options, as_words(given)))
    return runs


def all_words(request: Request, series: bool = True) -> list[str]:
    """Return the words of a command, with the names of network and data.

    ``--jobs`` is among them only for a search, which suggests as many combinations at a time.

    Args:
        request: The command.
        series: Whether those that ask for a series of runs are among them.
    """
    names = {"--model": request.model, "--data": request.data}
    asked = [name for name in SERIES if name != "jobs" or request.search] if series else []
    counts = {f"--{name}": getattr(request, name) for name in asked}
    first, last = (as_words({option: value for option, value in part.items() if value}) for part in (names, counts))
    return [*first, *request.words, *last]


def as_words(options: Mapping[str, str]) -> list[str]:
    """Return options as the words of a command line."""
    words: list[str] = []
    for option, value in options.items():
        words += [f"{option}={value}"] if value.startswith("-") else [option, value]
    return words


def split_grid(words: Sequence[str]) -> tuple[list[str], dict[str, list[str]]]:
    """Return the words without the options that have several values or a range, and those options with their values.

    Raises:
        ZooError: A value is empty or given twice, or such an option is.
    """
    rest: list[str] = []
    grid: dict[str, list[str]] = {}
    waiting = iter(words)
    for word in waiting:
        option, equals, value = word.partition("=")
        if not option.startswith("--") or option.endswith("+"):
            rest.append(word)
            continue
        if not equals:
            following = next(waiting, None)
            if following is None or following.startswith("--"):  # the option is a switch
                rest.append(option)
                waiting = itertools.chain([following] if following else [], waiting)
                continue
            value = following
        values = [value] if option in SINGLE else split_values(value)
        ranges = [] if option in SINGLE else [one for one in values if parse_range(option, one)]
        if len(values) == 1 and not ranges:
            rest += as_words({option: values[0]})
        elif option in grid:
            raise ZooError(f"{option} is given twice")
        elif "" in values or len(set(values)) < len(values):
            raise ZooError(f"{option} has {'an empty value' if '' in values else 'a value twice'}: {value}")
        elif ranges and len(values) > 1:
            raise ZooError(f"{option} {value} has a range among other values; give one range, or values alone")
        else:
            grid[option] = values
    return rest, grid


def split_values(text: str) -> list[str]:
    """Return the values that commas separate, other than commas in brackets, braces or quotes."""
    values, depth, quote, start = [], 0, "", 0
    for place, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in "[{(":
            depth += 1
        elif character in "]})":
            depth -= 1
        elif character == "," and depth == 0:
            values.append(text[start:place])
            start = place + 1
    values = [value.strip() for value in [*values, text[start:]]]
    return [v[1:-1] if len(v) > 1 and v[0] in "\"'" and v[0] == v[-1] else v for v in values]


def parse_seeds(text: str) -> list[str]:
    """Return the seeds of ``0..4`` or ``0,3,7``.

    Raises:
        ZooError: The text is not like that, or has a seed twice.
    """
    seeds: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"([0-9]{1,10})(?:\.\.([0-9]{1,10}))?", part.strip())
        if not found:
            raise ZooError(f"--seeds takes seeds such as 0..4 or 0,3,7, got {text[:40]}")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first:
            raise ZooError(f"--seeds {part} ends before it begins; did you mean {last}..{first}?")
        if last >= 2**32 or last - first >= MOST_RUNS:
            raise ZooError(f"--seeds takes at most {MOST_RUNS:,} seeds below 2**32, got {text[:40]}")
        seeds += range(first, last + 1)
    if len(set(seeds)) < len(seeds):
        raise ZooError(f"--seeds has a seed twice: {text[:40]}")
    return list(map(str, seeds))


def parse_trials(request: Request) -> int:
    """Return the number of trials of a search. Raises ZooError if it is none."""
    return parse_count(request.trials or "50", "--trials", 1)


def parse_count(text: str, option: str, least: int) -> int:
    """Return a number that an option gives. Raises ZooError if it is none, or too small or large."""
    if not re.fullmatch("[0-9]{1,4}", text) or not least <= int(text) <= MOST_RUNS:
        raise ZooError(f"{option} takes a number from {least} to {MOST_RUNS:,}, got {text[:40]}")
    return int(text)
