"""``zoo explain``: draw what the answer of a trained network hangs on."""

from __future__ import annotations

from zoo.commands.inputs import check_no_options, read_sources
from zoo.commands.request import Request
from zoo.commands.trained_network import load_trained
from zoo.errors import ZooError
from zoo.reports.explanation import Explanation
from zoo.reports.figures import save
from zoo.support.console import echo
from zoo.support.files import check_not_input, parse_path


def run(request: Request) -> int:
    """Explain the answer for one input: print it, draw the figure, and return the exit code."""
    check_no_options(request)
    network = load_trained(request)
    transform = network.model.transform
    if transform is None:
        raise ZooError(f"{network.source} does not know how to make inputs: it was not trained on data of the zoo")
    sources = list(read_sources(request.words, transform))
    if len(sources) != 1:
        raise ZooError(f"zoo explain takes one input: a picture, a text or a row; got {len(sources)}")
    ((source, _, read),) = sources
    out = parse_path(request.out or "explanation.png", "--out")
    check_not_input(out, "--out", [*filter(None, [source, request.ckpt])])
    found = Explanation.of(network.model, transform(read()))
    try:
        save(found.figure(), out)
    except OSError as error:
        raise ZooError(f"{out} cannot be written ({error.strerror})") from None
    echo(f"{found}\n\nfigure      {out}")
    return 0
