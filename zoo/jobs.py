"""What started this process: torchrun, SLURM, or nobody; and what they ask of it.

Imported before anything heavy: a signal that arrives during the imports must find its handler.
"""

from __future__ import annotations

import contextlib
import functools
import os
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import Any

from zoo.errors import ZooError

REQUEUE = 75
"""Exit code (EX_TEMPFAIL) of a run that was asked to make room and is to be started again."""

PREEMPTION = signal.SIGUSR1
"""The signal by which a SLURM job is told that its time is running out; see scripts/slurm/fit.sbatch."""

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun tells each process."""

NUMBERS = (
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK"),
    *("SLURM_NTASKS", "SLURM_NNODES", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_RESTART_COUNT"),
    *("TORCHELASTIC_RESTART_COUNT", "JSM_NAMESPACE_RANK"),
)
"""Environment variables that Lightning, torch or the zoo read as numbers."""

_noted = 0
_store: Any = None


def in_slurm() -> bool:
    """Return whether this is a task of a SLURM job, rather than a shell that was opened in one."""
    return "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive")


def in_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def check_environment() -> None:
    """See to it that what the environment says of a job can be read; Lightning reads it as soon as it is imported.

    What is empty, or left over from a torchrun of which nothing else is there, is taken out of it.

    Raises:
        ZooError: A value is not a number, or a rank is set without a WORLD_SIZE.
    """
    for name in NUMBERS:
        value = os.environ.get(name, "0")
        if not value:
            del os.environ[name]
        elif not (value.isascii() and value.isdecimal()):
            raise ZooError(
                f"the environment variable {name} is {value[:40]!r}, expected a number; "
                "unset it, unless torchrun or SLURM started this"
            )
    if "TORCHELASTIC_RUN_ID" in os.environ and not all(name in os.environ for name in TORCHRUN):
        del os.environ["TORCHELASTIC_RUN_ID"]
    for name in ("RANK", "LOCAL_RANK"):
        if "WORLD_SIZE" not in os.environ and not in_slurm() and os.environ.get(name, "0") != "0":
            raise ZooError(
                f"the environment variable {name} is {os.environ[name]}, but WORLD_SIZE is not set; unset it, unless "
                "this is one of several processes"
            )


def listen() -> None:
    """From now on, note the signal that asks a job of SLURM to make room, which would end the process otherwise."""
    if in_slurm():
        signal.signal(PREEMPTION, _note)


@contextlib.contextmanager
def leaving_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process, with exit code 130, while packages are imported: they make other errors of it."""
    usual = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if not usual or threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.signal(signal.SIGINT, _leave)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def noted() -> int:
    """Return the number of the signal that was noted, 0 if none was."""
    return _noted


def devices_and_nodes() -> dict[str, int]:
    """Return how many processes a node and how many nodes there are, as options of the trainer; nothing if unknown."""
    if in_torchrun():
        here, everywhere = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        return {"devices": here, "num_nodes": everywhere // here}
    if in_slurm():
        nodes = int(os.environ.get("SLURM_NNODES", 1))
        return {"devices": int(os.environ["SLURM_NTASKS"]) // nodes, "num_nodes": nodes}
    return {}


@functools.cache
def job() -> str:
    """Return the name of the job that this process is of, the same after a restart; nothing if nobody started it."""
    if in_slurm():
        return f"slurm {os.environ.get('SLURM_JOB_ID')}"
    if not in_torchrun():
        return ""
    store = f" {os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}" if _has_agents_store() else ""
    return f"torchrun {os.environ['TORCHELASTIC_RUN_ID']}{store}"


@functools.cache
def was_restarted() -> bool:
    """Return whether this job ran before, and was started again by itself: after a requeue, or a failed worker.

    All processes of the job get the same answer; each of them must ask before it joins the others.
    """
    job()  # before they meet elsewhere
    restarted = _meet() if _has_agents_store() else int(os.environ.get("TORCHELASTIC_RESTART_COUNT") or 0) > 0
    return restarted or int(os.environ.get("SLURM_RESTART_COUNT") or 0) > 0


def where() -> str:
    """Return the rank and the node of this process, for messages; nothing if it is the only one."""
    if in_torchrun():
        rank, ranks = "RANK", "WORLD_SIZE"
    elif in_slurm():
        rank, ranks = "SLURM_PROCID", "SLURM_NTASKS"
    else:  # Lightning itself, or nobody
        rank, ranks = "LOCAL_RANK", "WORLD_SIZE"
    several = re.fullmatch("0*[1-9][0-9]+|0*[2-9]", os.environ.get(ranks, "1"))
    return f"rank {os.environ.get(rank, '0')} on {socket.gethostname()}: " if several else ""


def _leave(number: int, frame: FrameType | None) -> None:
    os.write(2, b"\nzoo: interrupted\n")
    os._exit(128 + number)


def _note(number: int, frame: FrameType | None) -> None:
    global _noted
    _noted = number


def _has_agents_store() -> bool:
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def _meet() -> bool:
    """Bring the processes that torchrun started together anew, and return whether it had started some before.

    The store of torchrun's agent outlives them, and with it the addresses of those that died, to which those that are
    started again would connect (pytorch issue 135712); and each node counts restarts for itself. So the first rank
    opens a store for this attempt alone, and names its port in the agent's, where the port of an attempt that died is
    known by that nobody listens.
    """
    global _store
    from torch.distributed import TCPStore  # type: ignore[attr-defined]  # torch does not list it

    address = os.environ["MASTER_ADDR"]
    agents = TCPStore(address, int(os.environ["MASTER_PORT"]), is_master=False)
    if os.environ["RANK"] == "0":
        restarted = agents.check(["zoo/port"])
        _store = TCPStore(address, 0, is_master=True, wait_for_workers=False, multi_tenant=True)
        _store.set("zoo/restarted", str(int(restarted)))
        agents.set("zoo/port", str(_store.port))
    else:
        while not _listens(address, port := int(agents.get("zoo/port"))):
            time.sleep(0.1)
        _store = TCPStore(address, port, is_master=False)
    os.environ |= {"MASTER_PORT": str(_store.port), "TORCHELASTIC_USE_AGENT_STORE": "False"}
    return bool(_store.get("zoo/restarted") == b"1")


def _listens(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), timeout=5).close()
    except OSError:
        return False
    return True
