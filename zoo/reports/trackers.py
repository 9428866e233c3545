"""What the user's loggers get beside the metrics of the training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from PIL import Image

from zoo.errors import ZooError
from zoo.support.console import one_line
from zoo.training.metrics_file import MetricsFile
from zoo.training.run import Run
from zoo.training.trainer import as_list


def track_options(run: Run) -> None:
    """Tell the user's loggers the options of a new run; Lightning tells them the arguments of the network.

    Those of the loggers themselves are left out: they can hold keys, and change when a run goes on.

    Raises:
        ZooError: A logger cannot be set up.
    """
    if run.plan.resume:  # a tracker that goes on as well has them
        return
    left_out = ("model.", "trainer.logger")
    options = {name: value for name, value in _flat(run.plan.config) if not name.startswith(left_out)}
    for logger in _of_the_user(run):
        try:
            logger.log_hyperparams(options)
        except Exception as error:  # each tracker's package has its own
            raise ZooError(f"{type(logger).__name__} cannot be set up: {one_line(error)}") from None


def track_report(run: Run, metrics: Mapping[str, float], steps: int, files: Sequence[Path], checkpoint: Path) -> None:
    """Tell the loggers the test metrics; give those of the user the files of the report, if they keep such.

    Args:
        run: The run.
        metrics: The metrics of the test set.
        steps: Number of steps that the network was trained for.
        files: The figures, and the tables beside them.
        checkpoint: The checkpoint that was evaluated; it need not exist.
    """
    kept = [*files, *([checkpoint] if checkpoint.exists() else [])]
    for logger in run.trainer.loggers:
        if isinstance(logger, MetricsFile):  # that one is of the training
            continue
        logger.log_metrics({f"test/{name}": value for name, value in metrics.items()}, steps)
        if logger in _of_the_user(run):
            _keep(logger, kept, steps)
        logger.finalize("success")


def _of_the_user(run: Run) -> list[Logger]:
    return [one for one in run.trainer.loggers if one in as_list(run.plan.trainer_arguments["logger"])]


def _keep(logger: Logger, files: Sequence[Path], steps: int) -> None:
    figures = [path for path in files if path.suffix == ".png"]
    if isinstance(logger, TensorBoardLogger):
        for path in figures:
            with Image.open(path) as image:
                logger.experiment.add_image(path.stem, np.asarray(image.convert("RGB")), steps, dataformats="HWC")
    elif isinstance(logger, MLFlowLogger):
        for path in files:
            logger.experiment.log_artifact(str(logger.run_id), str(path))
    elif isinstance(logger, WandbLogger):
        import wandb

        for path in figures:
            logger.log_image(path.stem, [str(path)])
        artifact = wandb.Artifact(f"run-{logger.experiment.id}", type="model")
        for path in files:
            artifact.add_file(str(path))
        logger.experiment.log_artifact(artifact)


def _flat(config: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return options by their full names, such as ``data.batch_size``."""
    found = []
    for name, value in config.items():
        if isinstance(value, Mapping) and value and not prefix:
            found += _flat(value, f"{name}.")
        else:
            found.append((f"{prefix}{name}", value if isinstance(value, int | float | bool) else str(value)))
    return found
