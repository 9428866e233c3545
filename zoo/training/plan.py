"""The plan of a training run: its options and arguments, parsed and checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.training.resuming import ResumePoint
from zoo.weights.starting import StartingWeights


@dataclass(frozen=True)
class Plan:
    """What a run does. Its options are parsed and checked, and its data is on disk; nothing else is built or written.

    Attributes:
        program: The command without its options, to tell the user how to start it again.
        command: The whole command that starts the run.
        model: Name of the network.
        model_arguments: Arguments of its class.
        given_model_arguments: Those of them that the user gave; the data may not change them.
        data: Name of the data set.
        data_arguments: Arguments of its class, except for the seed.
        trainer_arguments: Arguments of Lightning's Trainer; the user's callbacks and loggers are built already.
        seed: Seeds weights, order and dropout.
        patience: Epochs without an improvement after which the run stops.
        keeps_checkpoints: Whether the run saves checkpoints.
        checkpoint_every: Steps between two checkpoints within an epoch.
        allow_nan: Whether to continue after a loss or gradient that is not finite.
        fast: Whether several steps go together, without Lightning's overhead.
        compile: Whether steps are compiled.
        steps_per_execution: Steps of a compiled graph.
        test: Whether the report opens the test set.
        all_metrics: Whether the report measures all splits in full, rather than the test set alone.
        baselines: Whether the report compares with simple models.
        processes: Number of processes that train the network.
        length: The options that say how long the run is, as one text.
        runs_folder: The folder of all runs of this kind.
        resume: The checkpoint that the run resumes from, if it does.
        start: The weights that the run starts from, if it does; one that is resumed does not load them again.
        origin: What those weights are, for the record; empty if there are none.
        frozen: Whether the head trains alone.
        unfreeze_at: Number of epochs after which all layers train, if they do.
        config: The options as ``config.yaml`` keeps them.
    """

    program: str
    command: str
    model: str
    model_arguments: Mapping[str, Any]
    given_model_arguments: Mapping[str, Any]
    data: str
    data_arguments: Mapping[str, Any]
    trainer_arguments: Mapping[str, Any]
    seed: int
    patience: int | None
    keeps_checkpoints: bool
    checkpoint_every: int | None
    allow_nan: bool
    fast: bool
    compile: bool
    steps_per_execution: int
    test: bool
    all_metrics: bool
    baselines: bool
    processes: int
    length: str
    runs_folder: Path
    resume: ResumePoint | None
    start: StartingWeights | None
    origin: Mapping[str, str]
    frozen: bool
    unfreeze_at: int | None
    config: Mapping[str, Any]

    @property
    def folder(self) -> Path | None:
        """The folder of the run that is resumed; None for a run that gets a folder of its own."""
        return self.resume.folder if self.resume else None
