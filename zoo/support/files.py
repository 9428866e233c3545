"""Files that are written whole or not at all, paths as users give them, and the reading of what strangers made."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from zoo.errors import ZooError
from zoo.support.console import is_printable

TEMPORARY_INFIX = ".writing-"
"""What is in the name of a file that is being written."""

LONGEST_NAME = 255
LONGEST_PATH = 3500
"""In bytes, as on Linux; a run folder's files have longer paths."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


def parse_path(text: str | os.PathLike[str], option: str) -> Path:
    """Turn what a user gave into a path, ``~`` expanded, whether or not there is anything yet.

    Args:
        text: The path.
        option: What it was given as, such as ``--out``, for messages.

    Raises:
        ZooError: It is an address, or the system knows no such path: it is too long, holds a control character, begins
            with the home of nobody, or leads through a link to nothing, or into a folder that may not be entered.
    """
    text = os.fspath(text)
    if not is_printable(text):
        raise ZooError(f"{option} {text[:80]!r} holds a control character, which no file's name should")
    if "://" in text:
        raise ZooError(f"{option} {text[:80]} is an address; download what is there, and give its path")
    try:
        text.encode()
        path = Path(text).expanduser()
        if len(os.fsencode(path)) > LONGEST_PATH or any(len(os.fsencode(name)) > LONGEST_NAME for name in path.parts):
            raise OSError(errno.ENAMETOOLONG, "it is too long")  # which the system says of folders that are there alone
        if path.is_symlink() and not path.exists():
            raise ZooError(f"{option} {text} is a link to nothing")
        path.stat()
    except FileNotFoundError:
        pass
    except RuntimeError:
        raise ZooError(f"{option} {text} begins with the home of a user who does not exist") from None
    except OSError as error:
        raise ZooError(f"{option} {text[:80]} cannot be used: {error.strerror}") from None
    except ValueError:  # half characters
        raise ZooError(f"{option} {text[:80]!r} is not UTF-8") from None
    return path


def open_file(path: str | os.PathLike[str]) -> BinaryIO:
    """Open a regular file to read bytes: a pipe or a device would block, or never end.

    Raises:
        OSError: It cannot be opened, or is something else.
    """
    mode = os.stat(path).st_mode
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, "it is a folder", str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    return open(path, "rb")


def read_bytes(path: str | os.PathLike[str], most: int) -> bytes:
    """Read a regular file of at most so many bytes.

    Raises:
        OSError: It cannot be read, is something else, or is larger.
    """
    with open_file(path) as file:
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"it has more than {most:,} bytes", str(path))
    return content


@contextlib.contextmanager
def atomic_write(target: Path, durable: bool = False) -> Iterator[Path]:
    """Give a temporary file beside ``target`` that takes its place when the block ends well, and vanishes otherwise.

    Args:
        target: The file.
        durable: Whether it must be on the disk before it takes the other's place: it then survives a crash of the
            machine too, at the cost of some milliseconds.
    """
    temporary = target.with_name(f".{target.name}{TEMPORARY_INFIX}{uuid.uuid4().hex}")
    try:
        yield temporary
        if durable:
            _flush(temporary)
        os.replace(temporary, target)
        if durable:
            _flush(target.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
