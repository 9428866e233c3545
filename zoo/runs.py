"""Run folders: ``runs/<model>-<data>/1``, ``2``, ..."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from zoo.errors import ZooError


def new_folder(base: Path) -> Path:
    """Make and return the next numbered folder in ``base``; runs that start at once get different ones.

    Raises:
        ZooError: It cannot be written.
    """
    number = max(_numbers(base), default=0)
    try:
        base.mkdir(parents=True, exist_ok=True)
        while True:
            number += 1
            try:
                (base / str(number)).mkdir()
            except FileExistsError:
                continue
            return base / str(number)
    except OSError as error:
        raise ZooError(f"cannot make a run folder in {base} ({error.strerror}); name another with --out") from None


def remove(folder: Path) -> None:
    """Delete a run folder, and those that were made for it, if they hold nothing else."""
    shutil.rmtree(folder, ignore_errors=True)
    with contextlib.suppress(OSError):
        folder.parent.rmdir()
        folder.parent.parent.rmdir()


def newest_run(base: Path) -> Path | None:
    """Return the folder of the newest run in ``base`` that has a checkpoint, or None."""
    return next((folder for folder in folders(base) if checkpoints_of(folder)), None)


def folders(base: Path) -> list[Path]:
    """Return the folders of the runs in ``base``, the newest first."""
    return [base / str(number) for number in sorted(_numbers(base), reverse=True)]


def checkpoints_of(folder: Path) -> list[Path]:
    """Return the checkpoints of a run, ``last.ckpt`` first, then the newest."""
    others = sorted(folder.glob("checkpoints/[!.]*.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
    return sorted(others, key=lambda path: path != last_checkpoint(folder))


def run_of(checkpoint: Path) -> Path | None:
    """Return the run folder that a checkpoint is in, or None if it is elsewhere."""
    folder = checkpoint.parent.parent
    return folder if checkpoint == last_checkpoint(folder) and (folder / "config.yaml").exists() else None


def last_checkpoint(folder: Path) -> Path:
    """Return where a run keeps its last checkpoint."""
    return folder / "checkpoints" / "last.ckpt"


def _numbers(base: Path) -> list[int]:
    return (
        [int(path.name) for path in base.iterdir() if path.name.isdecimal() and path.name.isascii()]
        if base.is_dir()
        else []
    )
