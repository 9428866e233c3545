"""Finding the checkpoint that a run resumes from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from zoo.checkpoints.reading import read_checkpoint
from zoo.errors import ZooError
from zoo.training.run_folder import list_checkpoints, list_runs
from zoo.training.run_record import RunRecord
from zoo.training.warn import warn


@dataclass(frozen=True)
class ResumePoint:
    """The checkpoint that a run resumes from.

    Attributes:
        path: Its file.
        checkpoint: Its content.
        folder: The run's folder; None if the checkpoint is not in one, and the run gets a folder of its own.
        modified: When the file was written, in nanoseconds.
    """

    path: Path
    checkpoint: dict[str, Any]
    folder: Path | None
    modified: int

    @classmethod
    def read(cls, path: Path, folder: Path | None) -> ResumePoint:
        """Read a checkpoint. Raises ZooError if it cannot be read."""
        modified = path.stat().st_mtime_ns if path.exists() else 0
        return cls(path, read_checkpoint(path), folder, modified)

    def check_unchanged(self) -> None:
        """Raise ZooError if another process has written the checkpoint since it was read."""
        if not self.path.exists() or self.path.stat().st_mtime_ns != self.modified:
            raise ZooError(f"another process wrote {self.path} just now; try again")

    def is_complete(self, max_steps: int, length: str) -> bool:
        """Return whether there is nothing left to train after the checkpoint, although it ends no epoch.

        Args:
            max_steps: Of the trainer.
            length: See :class:`zoo.callbacks.ExactResume`.
        """
        reached = 0 <= max_steps <= self.checkpoint["global_step"]
        return reached or self.checkpoint.get("exact_resume", {}).get("stopped_at") == length


def find_newest(bases: Iterable[Path]) -> ResumePoint:
    """Return the checkpoint of the newest run in some folders, or of the newest one that has a checkpoint.

    Raises:
        ZooError: There is no run, or none with a checkpoint.
    """
    bases = list(bases)
    runs = [folder for base in bases for folder in list_runs(base)[:1]]
    if not runs:
        raise ZooError(f"there is no run to resume in {bases[0]}; omit --ckpt_path to start one")
    newest = max(runs, key=lambda folder: folder.stat().st_mtime)
    for folder in list_runs(newest.parent):
        if list_checkpoints(folder):
            if folder != newest:
                warn(f"the newest run, {newest}, ended before its first checkpoint; resuming {folder} instead.")
            return _newest_readable(folder)
    raise ZooError(f"{newest} ended before its first checkpoint; omit --ckpt_path to start a new run")


def find_of_job(bases: Iterable[Path], job: str) -> ResumePoint | None:
    """Return the checkpoint of a job's own run, the newest one with its name; None if it has no checkpoint yet."""
    for base in bases:
        for folder in list_runs(base):
            record = RunRecord.read(folder)
            if record and record.job == job:
                return _newest_readable(folder) if list_checkpoints(folder) else None
    return None


def _newest_readable(folder: Path) -> ResumePoint:
    first_error = None
    for path in list_checkpoints(folder):
        try:
            point = ResumePoint.read(path, folder)
        except ZooError as error:
            first_error = first_error or error
            continue
        if first_error:
            warn(f"{first_error}.", f"Resuming from {path} instead, saved in epoch {point.checkpoint['epoch'] + 1}.")
        return point
    assert first_error is not None
    raise first_error
