"""``zoo check``: look at a data set before training."""

from __future__ import annotations

from zoo.commands.options import parse_options
from zoo.commands.parser import make_test_parser, section
from zoo.commands.request import Request
from zoo.datamodules.common import DataModule
from zoo.errors import ZooError
from zoo.factory import create_datamodule, datamodule_class, model_class
from zoo.registry import models
from zoo.reports.data_check import contact_sheet, describe_classes, describe_inputs, find_problems
from zoo.reports.evaluation import format_sizes
from zoo.support.console import echo
from zoo.support.files import check_not_input, parse_path
from zoo.tasks.compatibility import fits
from zoo.transforms import from_spec
from zoo.weights.starting import StartingWeights


def run(request: Request) -> int:
    """Print what is known of a data set, and return the exit code: 1 if there is something to look at."""
    if not request.data:
        raise ZooError("give a data set: zoo check folder --data.root pets")
    cls = datamodule_class(request.data)
    start = None
    if request.model:
        options = parse_options(request)
        if (source := options.values.weights) is not None:
            options = parse_options(request, StartingWeights.read(request.model, source))
        start, values = options.start, options.values
    else:
        values = make_test_parser(request.program, cls).parse_args(request.words)
    data = create_datamodule(request.data, **section(values, "data"))
    data.new_targets = True
    if start and start.transform:
        data.use_transform(from_spec(start.transform))
    data.prepare_data()
    if broken := data.find_broken():
        for problem in broken:
            echo(problem)
        raise ZooError(f"{len(broken):,} files cannot be read; repair or remove them")
    data.setup()
    echo(f"{request.data}: {format_sizes(data)}\n{describe_inputs(data)}")
    if data.target == "class":
        echo(f"\n{describe_classes(data)}")
    echo(f"\nnetworks that learn it: {', '.join(_networks(data))}")
    if data.kind == "image":
        sheet = parse_path(request.out or "check.png", "--out")
        check_not_input(sheet, "--out", (name for examples in data.splits.values() for name in examples.names))
        contact_sheet(data, sheet)
        echo(f"a batch as the network sees it: {sheet}")
    problems = find_problems(data)
    echo("\n" + ("\n".join(f"look at: {problem}" for problem in problems) or "nothing that looks wrong"))
    return 1 if problems else 0


def _networks(data: DataModule) -> list[str]:
    """Return the networks of the registry that can learn a data set, whose classes or numbers are known by now."""
    return [name for name in sorted(models()) if fits(model_class(name), data)]
