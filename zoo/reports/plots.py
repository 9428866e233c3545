"""Figures for notebooks: what a network predicts, and the curves of runs."""

from __future__ import annotations

from os import PathLike

from zoo.datamodules.common import DataModule
from zoo.datamodules.common.plots import count_shown, draw_examples, target_as_text
from zoo.errors import ZooError
from zoo.reports import figures
from zoo.reports.comparison import curves, no_metrics, read_logs, tests_while_training
from zoo.reports.mistakes import caption
from zoo.reports.predictions import Predictions
from zoo.support.figure import Figure
from zoo.support.files import parse_path
from zoo.tasks import Task
from zoo.tasks.compatibility import check_fits
from zoo.training.metrics_file import metrics_path

MOST = 1000
"""Examples whose values are drawn."""


def plot_predictions(model: Task, data: DataModule) -> Figure:
    """Return a figure of matplotlib with what a network predicts for some examples of a test set, evenly spaced.

    Pictures, texts and rows are shown with their class, the predicted one and its probability; the values of a
    regression over the true ones.

    Args:
        model: The network.
        data: Its data, which is read if it has not been.

    Raises:
        ZooError: The network does not fit the data.
    """
    if not data.splits:
        data.prepare_data()
        data.setup()
    check_fits(model, data)
    examples, title = data.splits["test"], f"{type(model).__name__} on the test set of {type(data).__name__}"
    count = min(MOST if data.target == "value" else count_shown(data), len(examples))
    x, targets = examples.batch([place * len(examples) // count for place in range(count)])
    x = data.scale(x)
    values = model.predict(x).values.float().cpu()
    if data.target == "value":
        return figures.true_and_predicted(Predictions(targets, values, targets))
    captions = []
    for value, target in zip(values, targets, strict=True):
        true = target_as_text(data, target)
        if data.target == "class":
            probability, predicted = value.max(-1)
            said = target_as_text(data, predicted)
            captions.append(caption(true, said, float(probability), right=bool(predicted == target)))
        else:
            said, least_sure = target_as_text(data, value), float((value - 0.5).abs().min()) + 0.5
            captions.append(caption(true, said, least_sure, right=bool(((value > 0.5) == (target > 0.5)).all())))
    return draw_examples(data, x, captions, title)


def plot_curves(*runs: str | PathLike[str]) -> Figure:
    """Return a figure of matplotlib with the curves of a run, or of several runs side by side, finished or not.

    Args:
        runs: Run folders, such as ``runs/slp-mnist/1``.

    Raises:
        ZooError: A folder has no ``metrics.csv``, or there is nothing to plot.
    """
    paths = [parse_path(run, "run folder") for run in runs]
    for path in paths:
        if not metrics_path(path).exists():
            raise no_metrics(path)
    title, logs = read_logs(paths)
    figure = curves(logs, title)
    if figure is None:
        raise ZooError("there are no curves to plot; give run folders, such as runs/slp-mnist/1")
    if len(logs) > 1:
        return figure
    [rows] = logs.values()
    return figures.curves(rows, val_is_test=tests_while_training(paths[0]))
