"""The figures and tables that a run leaves in its folder when it has ended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from zoo.datamodules.common import DataModule
from zoo.reports import figures
from zoo.reports.mistakes import count_wrong, draw_mistakes, mistakes, write_errors, write_mistakes
from zoo.reports.report import Report
from zoo.support.figure import Figure
from zoo.support.terminal import picture_protocol, show_picture
from zoo.tasks import Classifier, Regressor, Task
from zoo.training.metrics_file import read_metrics
from zoo.transforms import read_picture

FILES = ("curves.png", "mistakes.png", "mistakes.csv", "predictions.png", "confusion.png", "calibration.png")


def draw(folder: Path, model: Task, data: DataModule, report: Report) -> list[Path]:
    """Draw the figures of a run and write the table of its mistakes, and return the paths of the files.

    Args:
        folder: The run folder; ``metrics.csv`` in it gives the curves.
        model: The network, after a test.
        data: Its data.
        report: What it reaches.
    """
    paths = []
    for name in FILES:  # those of an earlier report
        (folder / name).unlink(missing_ok=True)
    for name, figure in _figures(folder, model, data, report):
        paths.append(folder / f"{name}.png")
        figures.save(figure, paths[-1])
    return paths


def figures_of(folder: Path) -> list[Path]:
    """Return the figures of a run, in their order."""
    return [folder / name for name in FILES if name.endswith(".png") and (folder / name).exists()]


def show_figures(paths: list[Path]) -> None:
    """Show figures on a terminal that can."""
    if protocol := picture_protocol():
        for path in paths:
            show_picture(read_picture(path), protocol)


def _figures(folder: Path, model: Task, data: DataModule, report: Report) -> Iterator[tuple[str, Figure]]:
    if (folder / "metrics.csv").exists():
        yield "curves", figures.curves(read_metrics(folder / "metrics.csv"), val_is_test=not data.val_size)
    if report.predictions is None:
        return
    if isinstance(model, Regressor):
        write_errors(data, report.predictions, folder / "mistakes.csv")
        yield "predictions", figures.true_and_predicted(report.predictions)
    if not isinstance(model, Classifier):
        return
    found = mistakes(data, report.predictions, model.classes)
    write_mistakes(found, folder / "mistakes.csv")
    if found:
        size, wrong = len(report.predictions.targets), count_wrong(report.predictions)
        yield "mistakes", draw_mistakes(data, found, f"surest of the mistakes: {wrong:,} of {size:,} test examples")
    if model.confusion is not None:
        yield "confusion", figures.confusion(model.confusion, data.classes)
    yield "calibration", figures.calibration(report.calibration, (report.metrics["test"] or {})["ece"])
