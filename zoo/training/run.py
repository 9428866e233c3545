"""A training run: its plan, and everything that was built for it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from zoo.callbacks import ExactResume
from zoo.datamodules.common import DataModule
from zoo.support.console import command_line
from zoo.tasks import Task
from zoo.training.plan import Plan


@dataclass(frozen=True)
class Run:
    """A training run, ready to be started.

    Attributes:
        plan: What it is to do.
        folder: The run folder; on ranks other than the first, which write nothing, the folder of all runs of this kind.
        data: The data module.
        model: The network.
        exact_resume: The callback that saves ``last.ckpt``.
        best_checkpoint: The callback that saves ``best.ckpt``.
        trainer: Lightning's Trainer.
    """

    plan: Plan
    folder: Path
    data: DataModule
    model: Task
    exact_resume: ExactResume
    best_checkpoint: ModelCheckpoint
    trainer: Trainer

    @property
    def parameters(self) -> int:
        """Number of parameters of the network."""
        return sum(p.numel() for p in self.model.parameters())

    @property
    def config_file(self) -> Path:
        """The file that holds the options of the run."""
        return self.folder / "config.yaml"

    def resume_command(self, checkpoint: Path) -> str:
        """Return the command that resumes the run from a checkpoint."""
        return f"{self.plan.program} --config {command_line([str(self.config_file), '--ckpt_path', str(checkpoint)])}"
