"""Run folders: ``runs/<model>-<data>/1``, ``2``, ..."""

from __future__ import annotations

from pathlib import Path

from zoo.errors import ZooError
from zoo.files import as_path
from zoo.text import is_plain


def base_of(out: str, name: str) -> Path:
    """Return the folder of the runs of a kind: ``name``, in ``out``.

    Raises:
        ZooError: The name is not that of one folder, or there can be no such path.
    """
    if not is_plain(name):
        raise ZooError(f"--name {name!r} holds a control character, which no folder's name should")
    if Path(name).name != name or name == ".." or name.startswith("~"):
        raise ZooError(f"--name must be the name of one folder, got {name}; --out takes a path")
    return as_path(as_path(out, "--out") / name, "--out")


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
    try:
        names = [path.name for path in base.iterdir()] if base.is_dir() else []
    except OSError as error:
        raise ZooError(f"{base} cannot be read: {error.strerror}") from None
    return [int(name) for name in names if name.isdecimal() and name.isascii()]
