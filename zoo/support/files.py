"""Atomic writes, paths given by users, and safe reading of untrusted files."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import time
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.errors import ZooError
from zoo.support.console import is_printable

TEMPORARY_INFIX = ".writing-"
"""Marks the name of a temporary file that is being written."""

LONGEST_NAME = 255
LONGEST_PATH = 3500
"""In bytes, below Linux's limit of 4096: the files in a run folder have longer paths."""

DISK_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))

SECONDS_OPEN = 2.0
"""Time to wait for other programs to close a file."""


def parse_path(text: str | os.PathLike[str], option: str) -> Path:
    """Return a user's input as a path, with ``~`` expanded. The path need not exist.

    Args:
        text: The path.
        option: Name of the option that gave it, such as ``--out``, for error messages.

    Raises:
        ZooError: It is a URL, is too long, contains a control character, begins with the home folder of an unknown
            user, is a broken link, or is in a folder without access.
    """
    text = os.fspath(text)
    if not is_printable(text):
        raise ZooError(f"{option} {text[:80]!r} contains a control character; rename the file")
    if re.search(r"\w{2}://", text):  # a single letter is a drive of Windows
        raise ZooError(f"{option} {text[:80]} is a URL; download the file and give its path")
    try:
        text.encode()
        path = Path(text).expanduser()
        if len(os.fsencode(path)) > LONGEST_PATH or any(len(os.fsencode(name)) > LONGEST_NAME for name in path.parts):
            raise OSError(errno.ENAMETOOLONG, "it is too long")  # the system reports this only for folders that exist
        if path.is_symlink() and not path.exists():
            raise ZooError(f"{option} {text} is a broken link")
        path.stat()
    except FileNotFoundError:
        pass
    except RuntimeError:
        raise ZooError(f"{option} {text} begins with the home folder of an unknown user") from None
    except OSError as error:
        raise ZooError(f"{option} {text[:80]} cannot be used: {error.strerror}") from None
    except ValueError:  # surrogates
        raise ZooError(f"{option} {text[:80]!r} is not UTF-8") from None
    return path


def check_not_input(path: Path, option: str, inputs: Iterable[str]) -> None:
    """Raise ZooError if a file to be written is one of those that are read, among words that need not be files."""
    if path.exists() and any(os.path.exists(source) and path.samefile(source) for source in inputs):
        raise ZooError(f"{option} {path} is one of the files that are read, which it would replace; give another name")


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file for reading bytes. A pipe or a device could block, or never end.

    Raises:
        OSError: It cannot be opened, or is not a regular file.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a directory", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    return open(path, "rb")


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a regular file of at most ``most`` bytes.

    Raises:
        OSError: It cannot be read, is not a regular file, or is larger.
    """
    with open_file(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return content


@contextlib.contextmanager
def atomic_write(target: Path, durable: bool = False) -> Iterator[Path]:
    """Yield a temporary file that replaces ``target`` when the block succeeds, and is deleted when it fails.

    Args:
        target: The file to write.
        durable: Whether to flush the file to disk before it replaces the target. It then also survives a crash of the
            machine, at the cost of a few milliseconds.

    Raises:
        ZooError: The target is no file, but a device such as ``/dev/null``, which would be replaced for everyone.
    """
    if target.exists() and not (target.is_file() or target.is_dir()):
        raise ZooError(f"{target} is a device or a pipe, which cannot be replaced; give the name of a file")
    temporary = target.with_name(f".{target.name}{TEMPORARY_INFIX}{uuid.uuid4().hex}")
    try:
        yield temporary
        if durable:
            _flush(temporary, os.O_RDWR)
        replace(temporary, target)
        if durable:
            with contextlib.suppress(PermissionError):  # Windows opens no folders
                _flush(target.parent, os.O_RDONLY)
    finally:
        temporary.unlink(missing_ok=True)


def replace(source: Path, target: Path) -> None:
    """Rename a file or a folder, replacing a file.

    Windows refuses this while a program has one of them open, as virus scanners do for moments after it was written.

    Raises:
        OSError: It cannot be renamed; PermissionError, if another program has it open all the time.
    """
    deadline = time.monotonic() + SECONDS_OPEN
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if target.is_dir() or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _flush(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
