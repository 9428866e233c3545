"""A lock of a file against other processes, which ends with the process that holds it."""

from __future__ import annotations

import errno
import os
from typing import TextIO

try:
    import fcntl
except ImportError:  # Windows
    import msvcrt

    PLACE = 2**30
    """The byte that is locked. No other process can read a locked byte, so it is far behind the content."""

    def _lock(file: TextIO) -> None:
        os.lseek(file.fileno(), PLACE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]

    def unlock(file: TextIO) -> None:
        """Release the lock. Closing the file does so too, unless a child process has it open."""
        os.lseek(file.fileno(), PLACE, os.SEEK_SET)
        msvcrt.locking(file.fileno(), msvcrt.LK_UNLCK, 1)  # type: ignore[attr-defined,unused-ignore]

else:

    def _lock(file: TextIO) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def unlock(file: TextIO) -> None:
        """Release the lock. Closing the file does so too, unless a child process has it open."""
        fcntl.flock(file, fcntl.LOCK_UN)


def try_lock(file: TextIO) -> bool:
    """Return whether a file could be locked; on a file system without locks, return True."""
    try:
        _lock(file)
    except OSError as error:
        return error.errno not in (errno.EAGAIN, errno.EACCES)
    return True
