"""Run command lines of the zoo without what Windows lacks: names, locks, folders to be flushed, open files that move.

    python not_unix.py "list" "fit slp --data digits"

Other packages have code of their own for Windows, and are imported before anything is taken away; Lightning is told
that it is on Windows.
"""

from __future__ import annotations

import errno
import fcntl
import importlib
import os
import platform
import shlex
import signal
import stat
import sys
import types
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

SIGNALS = ("SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM", "SIG_DFL", "SIG_IGN")
"""Those of Windows."""

OF_SIGNAL = ("alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait", "sigpending")

OF_OS = """
O_ACCMODE O_ASYNC O_CLOEXEC O_DIRECT O_DIRECTORY O_DSYNC O_LARGEFILE O_NDELAY O_NOATIME O_NOCTTY
O_NOFOLLOW O_PATH O_RSYNC O_SYNC O_TMPFILE F_LOCK F_TLOCK F_ULOCK P_ALL WNOHANG WIFEXITED WEXITSTATUS
WIFSIGNALED chown chroot confstr confstr_names ctermid fchdir fchown fdatasync fork forkpty fpathconf
fstatvfs getegid geteuid getgid getgrouplist getgroups getloadavg getpgid getpgrp getpriority getresgid
getresuid getsid getuid getxattr initgroups killpg lchown listxattr lockf major memfd_create minor mkfifo
mknod nice openpty pathconf pidfd_open posix_fadvise posix_fallocate posix_spawn posix_spawnp pread
preadv pwrite pwritev readv register_at_fork removexattr sched_getaffinity sched_setaffinity sched_yield
sendfile setegid seteuid setgid setgroups setpgid setpriority setregid setresgid setresuid setreuid
setsid setuid setxattr statvfs sync sysconf sysconf_names tcgetpgrp tcsetpgrp ttyname uname wait wait3
wait4 waitid writev
"""

MODULES = ("fcntl", "grp", "pty", "pwd", "readline", "resource", "syslog", "termios", "tty")

lock, get_flags = fcntl.lockf, fcntl.F_GETFL
fsync = os.fsync


def locking(descriptor: int, mode: int, size: int) -> None:
    """msvcrt.locking: a lock of bytes from the current position on, which ends with the process."""
    lock(descriptor, [fcntl.LOCK_UN, None, fcntl.LOCK_EX | fcntl.LOCK_NB][mode], size, 0, os.SEEK_CUR)


def flush(descriptor: int) -> None:
    """os.fsync, which wants a file that is open for writing."""
    if stat.S_ISDIR(os.fstat(descriptor).st_mode):
        raise PermissionError(errno.EACCES, "Permission denied")
    if not fcntl.fcntl(descriptor, get_flags) & 3:
        raise OSError(errno.EBADF, "Bad file descriptor")
    fsync(descriptor)


def is_open(path: Any) -> bool:
    """Return whether this process has a file open, or mapped into its memory."""
    links = [Path("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    opened = [os.readlink(link) for link in links if link.is_symlink()]
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace").splitlines()
    return os.path.realpath(path) in [*opened, *(line[73:] for line in mapped)]


def of_closed_files(function: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function of os refuse paths that are open."""

    def refuse(*paths: Any, **options: Any) -> Any:
        for path in paths:
            if not options and is_open(path):
                raise PermissionError(errno.EACCES, "The process cannot access the file", str(path))
        return function(*paths, **options)

    return refuse


def take_away() -> None:
    for name in [name for name in dir(signal) if name.startswith("SIG") and name.isupper() and name not in SIGNALS]:
        delattr(signal, name)
    valid = {getattr(signal, name) for name in SIGNALS if not name.startswith("SIG_")}
    signal.valid_signals = lambda: valid
    for module, names in ((signal, OF_SIGNAL), (os, OF_OS.split()), (errno, ["EDQUOT"])):
        for name in names:
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it fails
    windows = types.ModuleType("msvcrt")
    windows.__dict__.update(locking=locking, LK_UNLCK=0, LK_NBLCK=2)
    sys.modules["msvcrt"] = windows
    os.fsync = flush
    for name in ("replace", "rename", "unlink", "remove"):
        setattr(os, name, of_closed_files(getattr(os, name)))
    warnings.filterwarnings("error", category=EncodingWarning, module="zoo")


def import_others() -> None:
    for name in ("torch", "torchvision", "jsonargparse", "matplotlib.pyplot", "sklearn.datasets", "safetensors.torch"):
        importlib.import_module(name)
    with mock.patch.object(platform, "system", return_value="Windows"):
        importlib.import_module("lightning.pytorch")
    assert "zoo" not in sys.modules


if __name__ == "__main__":
    import_others()
    take_away()
    from zoo.commands.cli import main

    for command in sys.argv[1:]:
        code = main(shlex.split(command))
        print(f"exit code {code}: {command}")
