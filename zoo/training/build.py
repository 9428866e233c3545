"""The parts of a run, built from its plan."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from lightning.pytorch import Callback
from lightning.pytorch.callbacks import Checkpoint, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger, TensorBoardLogger

from zoo.callbacks import ExactResume, FastSteps, FrozenBackbone
from zoo.callbacks.best_checkpoint import best_checkpoint
from zoo.datamodules.common import DataModule
from zoo.errors import ZooError
from zoo.factory import build_model, create_datamodule, model_class
from zoo.internals.lightning import is_first_rank
from zoo.internals.messages import is_out_of_memory
from zoo.support.console import echo, one_line
from zoo.tasks import Task
from zoo.tasks.compatibility import sizes_for
from zoo.training.metrics_file import MetricsFile
from zoo.training.plan import Plan
from zoo.training.run_folder import last_checkpoint
from zoo.training.trainer import as_list
from zoo.transforms import from_spec
from zoo.weights.starting import StartingWeights


def build_data(plan: Plan) -> DataModule:
    """Build the data module, whose data is on disk already; on the first rank, load it too."""
    data = create_datamodule(plan.data, **plan.data_arguments, seed=plan.seed)
    trained = plan.resume.checkpoint["zoo"].get("transform") if plan.resume else plan.start and plan.start.transform
    data.new_targets = plan.resume is None
    if trained:
        data.use_transform(from_spec(trained))
    if is_first_rank():  # the others wait for it in the trainer
        data.setup()
        if plan.resume:
            check_unchanged(data, plan.resume.checkpoint.get("exact_resume", {}))
    return data


def check_unchanged(data: DataModule, before: Mapping[str, Any]) -> None:
    """Raise ZooError if data has changed since a run began: its test set could have been trained on.

    Args:
        data: The data.
        before: Its ``sizes`` and ``checksum``, as far as the checkpoint has them.
    """
    changed, remedy = "the data has changed since the run began", "start a new run, from these weights with --weights"
    for split, size in data.sizes.items():
        if (had := (before.get("sizes") or {}).get(split, size)) != size:
            raise ZooError(f"{changed}: its {split} split had {had:,} examples, now {size:,}; {remedy}")
    if (before.get("checksum") or data.checksum) != data.checksum:
        raise ZooError(f"{changed}, though not the number of its examples; {remedy}")


def build_network(plan: Plan, data: DataModule) -> Task:
    """Build the network in the shape of the data.

    Raises:
        ZooError: The options ask for another shape, or the network is too large.
    """
    sizes, given = sizes_for(model_class(plan.model), data), plan.given_model_arguments
    for key, value in sizes.items():
        if given.get(key, value) != value:
            raise ZooError(f"--model.{key} {given[key]} does not fit the data, which has {value}; omit it")
    try:
        model = build_model(plan.model, **{**plan.model_arguments, **sizes})
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise ZooError(f"the network does not fit into memory: {one_line(error)}") from None
    return model


def load_start(start: StartingWeights, model: Task, data: DataModule) -> None:
    """Load the weights that a run starts from, and say so if the head stays new. Raises ZooError if they do not fit."""
    new_head = start.load_into(model, data.classes)
    if new_head and is_first_rank():
        echo(new_head)


def build_callbacks(plan: Plan, folder: Path) -> tuple[ExactResume, ModelCheckpoint, list[Callback]]:
    """Build the callback that saves the last checkpoint, the one that saves the best, and the list of those in use.

    Raises:
        ZooError: The options ask for checkpoints and for none.
    """
    path = last_checkpoint(folder)
    last = ExactResume(
        path if plan.keeps_checkpoints else None, plan.checkpoint_every, plan.allow_nan, length=plan.length
    )
    best = best_checkpoint(path.parent)
    callbacks: list[Callback] = [last]
    if not plan.keeps_checkpoints:
        for theirs in as_list(plan.trainer_arguments["callbacks"]):
            if isinstance(theirs, Checkpoint):
                raise ZooError(
                    f"--trainer.enable_checkpointing is false, but --trainer.callbacks has {type(theirs).__name__}; "
                    "omit one of them"
                )
    elif plan.data_arguments["val_size"]:  # without a validation part, nothing could tell which is the best
        callbacks = [best, last]  # the last checkpoint holds the state of the best one
    if plan.fast:
        callbacks.append(FastSteps(compile=plan.compile, steps_per_execution=plan.steps_per_execution))
    if plan.frozen:
        callbacks.append(FrozenBackbone(plan.unfreeze_at))
    if plan.patience is not None:
        callbacks.append(EarlyStopping("val/loss", patience=plan.patience))
    return last, best, callbacks


def build_loggers(plan: Plan, folder: Path) -> list[Logger]:
    """Build the loggers that write into the run folder."""
    loggers: list[Logger] = [MetricsFile(folder)]
    if plan.trainer_arguments["logger"] is not False and find_spec("tensorboard"):
        loggers.append(TensorBoardLogger(folder, name="tensorboard", version=""))
    return loggers
