"""``zoo explain``: draw what the answer of a trained network hangs on."""

from __future__ import annotations

from zoo.commands.inputs import check_no_options, read_sources
from zoo.commands.request import Request
from zoo.commands.trained_network import load_trained
from zoo.errors import ZooError
from zoo.reports.explanation import Explanation
from zoo.reports.figures import save_as_asked
from zoo.support.console import echo
from zoo.support.files import check_not_input, parse_path


def run(request: Request) -> int:
    """Explain the answer for one input: print it, draw the figure, and return the exit code."""
    check_no_options(request)
    network = load_trained(request)
    transform = network.transform
    sources = list(read_sources(request.words, transform))
    if len(sources) != 1:
        raise ZooError(f"zoo explain takes one input: a picture, a text or a row; got {len(sources)}")
    ((source, _, read),) = sources
    out = parse_path(request.out or "explanation.png", "--out")
    check_not_input(out, "--out", [*filter(None, [source, request.ckpt])])
    found = Explanation.of(network.model, transform(read()))
    save_as_asked(found.figure(), out)
    echo(f"{found}\n\nfigure      {out}")
    return 0
