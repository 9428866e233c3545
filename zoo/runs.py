"""Run folders: ``runs/<model>-<data>/1``, ``2``, ..."""

from __future__ import annotations

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


def newest_checkpoint(base: Path) -> Path:
    """Return ``last.ckpt`` of the newest run in ``base`` that has one.

    Raises:
        ZooError: There is none.
    """
    for number in sorted(_numbers(base), reverse=True):
        checkpoint = last_checkpoint(base / str(number))
        if checkpoint.exists():
            return checkpoint
    raise ZooError(f"there is no run to resume in {base}; leave --ckpt_path out to start one")


def last_checkpoint(folder: Path) -> Path:
    """Return where a run keeps its last checkpoint."""
    return folder / "checkpoints" / "last.ckpt"


def _numbers(base: Path) -> list[int]:
    return [int(path.name) for path in base.iterdir() if path.name.isdigit()] if base.is_dir() else []
