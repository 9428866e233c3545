"""``zoo predict``: ask a trained network about pictures, texts or rows of numbers."""

from __future__ import annotations

import os
import sys
from typing import Any

from zoo.commands.inputs import check_no_options, read_sources
from zoo.commands.predictions_file import write_predictions
from zoo.commands.request import Request
from zoo.commands.trained_network import load_trained
from zoo.errors import ZooError
from zoo.support.console import echo, escape_control
from zoo.support.files import check_not_input, parse_path
from zoo.support.tables import shorten
from zoo.tasks import Classifier, Task

LONGEST = 60
"""Characters of an input that are printed."""


def run(request: Request) -> int:
    """Print the prediction for each input, and return the exit code: 2 if an input could not be read."""
    if not request.words:
        raise ZooError("give inputs: pictures, texts, or rows such as 0,1, as the network takes them")
    check_no_options(request)
    network = load_trained(request)
    transform = network.transform
    sources = read_sources(request.words, transform)
    if request.out:
        inputs = list(sources)
        files = [source for source, _, _ in inputs] if transform.takes == "image" else request.words
        check_not_input(parse_path(request.out, "--out"), "--out", [*files, *filter(None, [request.ckpt])])
        failures = write_predictions(network.model, transform, inputs, request.out)
        unread = f"; {failures:,} could not be read, see the column error" if failures else ""
        echo(f"{len(inputs):,} predictions written to {request.out}{unread}")
        return 2 if failures else 0
    failed = False
    for source, place, read in sources:
        try:
            answer = _answer(network.model, read())
        except ZooError as problem:
            named = "" if os.path.basename(place) in str(problem) else f"{shorten(place, LONGEST)}: "
            echo(escape_control(f"zoo: error: {named}{problem}"), file=sys.stderr)
            failed = True
        else:
            echo(escape_control(f"{shorten(source, LONGEST)}  {answer}"))
    return 2 if failed else 0


def _answer(model: Task, value: Any) -> str:
    labels, (values,) = model.predict(value)
    if not values.isfinite().all():
        raise ZooError("the prediction is not finite")
    if not isinstance(model, Classifier):
        return "  ".join(f"{value:.4f}" for value in values.tolist())
    if model.multilabel and len(model.classes) > 1:
        return "  ".join(f"{name} {p:.4f}" for name, p in zip(model.classes, values.tolist(), strict=True))
    if model.multilabel:
        return f"{float(values):.4f}"
    return f"{labels[0]}  {float(values.max()):.4f}"
