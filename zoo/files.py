"""Files that are there whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

TEMPORARY = ".writing-"
"""What is in the name of a file that is being written."""

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def written_whole(target: Path, durable: bool = False) -> Iterator[Path]:
    """Give a temporary file beside ``target`` that takes its place when the block ends well, and vanishes otherwise.

    Args:
        target: The file.
        durable: Whether it must be on the disk before it takes the other's place: it then survives a crash of the
            machine too, at the cost of some milliseconds.
    """
    temporary = target.with_name(f".{target.name}{TEMPORARY}{uuid.uuid4().hex}")
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
