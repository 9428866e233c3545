"""Run folders: ``runs/<model>-<data>/1``, ``2``, ..."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import ZooError
from zoo.support.console import is_printable
from zoo.support.files import parse_path
from zoo.support.locking import try_lock, unlock

LOCK_TIMEOUT = 10.0
"""Time that the workers of a killed run may hold its lock."""


class BusyError(ZooError):
    """Another process is writing into a run folder."""


def runs_folder(out: str, name: str) -> Path:
    """Return the folder ``name`` in ``out``, for all runs of a kind.

    Raises:
        ZooError: The name is not the name of one folder, or the path is not valid.
    """
    if not is_printable(name):
        raise ZooError(f"--name {name!r} has a control character")
    if Path(name).name != name or name == ".." or name.startswith("~"):
        raise ZooError(f"--name must be the name of one folder, got {name}; --out takes a path")
    return parse_path(parse_path(out, "--out") / name, "--name")


@dataclass
class Claim:
    """A run folder that this process alone writes into.

    Attributes:
        path: The folder.
        keep: Whether the folder stays if the run fails: something was trained.
    """

    path: Path
    keep: bool


@contextlib.contextmanager
def claim_folder(base: Path, folder: Path | None, patience: float = LOCK_TIMEOUT) -> Iterator[Claim]:
    """Keep other processes from writing into a run folder; the lock is released when the process dies.

    A new folder is deleted again if the block raises before it sets ``keep``.

    Args:
        base: The folder in which a new folder is made.
        folder: The folder of a run that is resumed, or begun if it does not exist; None for one with a new number.
        patience: Seconds to wait for another process.

    Raises:
        BusyError: Another process is writing into the folder, and does not end in time.
        ZooError: The folder cannot be made.
    """
    made = [parent for parent in (base, *base.parents) if not parent.exists()]
    if folder is None:
        claim = Claim(new_folder(base), keep=False)
    else:
        claim = Claim(folder, keep=folder.exists())
        folder.mkdir(exist_ok=True)
    try:
        with lock_folder(claim.path, patience):
            yield claim
    except BusyError:
        raise
    except BaseException:
        if not claim.keep:
            shutil.rmtree(claim.path, ignore_errors=True)
            with contextlib.suppress(OSError):
                for folder in made:
                    folder.rmdir()
        raise


def new_folder(base: Path) -> Path:
    """Make and return the next numbered folder in ``base``; runs that start at once get different ones."""
    number = max(_numbers(base), default=0)
    try:
        while True:
            number += 1
            base.mkdir(parents=True, exist_ok=True)
            try:
                (base / str(number)).mkdir()
            except FileExistsError:  # another run took the number
                continue
            except FileNotFoundError:
                if base.exists():  # Windows says so of a path that is too long
                    raise
                continue  # another run removed the empty base
            return base / str(number)
    except OSError as error:
        raise ZooError(f"cannot make a run folder in {base} ({error.strerror}); choose another with --out") from None


@contextlib.contextmanager
def lock_folder(folder: Path, patience: float = LOCK_TIMEOUT) -> Iterator[None]:
    """Keep other processes from the block, of a folder that exists. Raises BusyError if one does not leave in time."""
    with (folder / ".lock").open("a+", encoding="utf-8") as file:
        deadline = time.monotonic() + patience
        while not try_lock(file):
            if time.monotonic() > deadline:
                file.seek(0)
                raise BusyError(f"{folder} is being written by {file.read() or 'another process'}; wait for it")
            time.sleep(0.1)
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}")
        file.flush()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                unlock(file)  # closing it would leave the lock to workers that are still ending


def list_runs(base: Path) -> list[Path]:
    """Return the folders of runs in ``base`` that have begun, newest first."""
    return [path for path in numbered_folders(base) if (path / "config.yaml").exists() or list_checkpoints(path)]


def list_checkpoints(folder: Path) -> list[Path]:
    """Return the checkpoints of a run: ``last.ckpt``, then the others, newest first."""
    others = sorted(folder.glob("checkpoints/[!.]*.ckpt"), key=lambda path: path.stat().st_mtime, reverse=True)
    return sorted(others, key=lambda path: path != last_checkpoint(folder))


def find_run_folder(checkpoint: Path) -> Path | None:
    """Return the run folder of a checkpoint, None if it is not in one."""
    folder = checkpoint.parent.parent
    return folder if checkpoint == last_checkpoint(folder) and (folder / "config.yaml").exists() else None


def last_checkpoint(folder: Path) -> Path:
    """Return where a run keeps its last checkpoint."""
    return folder / "checkpoints" / "last.ckpt"


def numbered_folders(base: Path) -> list[Path]:
    """Return the folders of runs in ``base``, the newest first."""
    return [base / str(number) for number in sorted(_numbers(base), reverse=True)]


def _numbers(base: Path) -> list[int]:
    try:
        names = [path.name for path in base.iterdir()] if base.is_dir() else []
    except OSError as error:
        raise ZooError(f"{base} cannot be read: {error.strerror}") from None
    return [int(name) for name in names if name.isdecimal() and name.isascii()]
