"""How this process was started (by torchrun, SLURM or the user), according to the environment."""

from __future__ import annotations

import functools
import os
import re
import socket

from zoo.errors import ZooError

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Environment variables that torchrun sets for each process."""

NUMBERS = (
    *("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "GROUP_RANK", "NODE_RANK"),
    *("SLURM_NTASKS", "SLURM_NNODES", "SLURM_PROCID", "SLURM_LOCALID", "SLURM_NODEID", "SLURM_RESTART_COUNT"),
    *("TORCHELASTIC_RESTART_COUNT", "JSM_NAMESPACE_RANK"),
)
"""Environment variables that Lightning, torch or the zoo read as numbers."""


def in_slurm() -> bool:
    """Return whether this is a task of a SLURM job, rather than a shell opened in one."""
    return "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive")


def in_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return "TORCHELASTIC_RUN_ID" in os.environ


def has_agent_store() -> bool:
    """Return whether torchrun's agent offers its store to the processes."""
    return os.environ.get("TORCHELASTIC_USE_AGENT_STORE") == "True"


def check_environment() -> None:
    """Check the environment variables that describe a job; Lightning reads them when it is imported.

    Empty ones, and those left over from an earlier torchrun, are removed.

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


def devices_and_nodes() -> dict[str, int]:
    """Return the number of processes per node and of nodes, as options of the Trainer; empty if nothing says so."""
    if in_torchrun():
        here, everywhere = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["WORLD_SIZE"])
        return {"devices": here, "num_nodes": everywhere // here}
    if in_slurm():
        nodes = int(os.environ.get("SLURM_NNODES", 1))
        return {"devices": int(os.environ["SLURM_NTASKS"]) // nodes, "num_nodes": nodes}
    return {}


@functools.cache
def job() -> str:
    """Return the name of the job that this process belongs to, the same after a restart; ``""`` outside of jobs."""
    if in_slurm():
        return f"slurm {os.environ.get('SLURM_JOB_ID')}"
    if not in_torchrun():
        return ""
    store = f" {os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}" if has_agent_store() else ""
    return f"torchrun {os.environ['TORCHELASTIC_RUN_ID']}{store}"


def rank_prefix() -> str:
    """Return ``"rank 1 on host: "``, to begin a message with, if this is one of several processes; else ``""``."""
    if in_torchrun():
        rank, ranks = "RANK", "WORLD_SIZE"
    elif in_slurm():
        rank, ranks = "SLURM_PROCID", "SLURM_NTASKS"
    else:  # Lightning's own launcher, or none
        rank, ranks = "LOCAL_RANK", "WORLD_SIZE"
    several = re.fullmatch("0*[1-9][0-9]+|0*[2-9]", os.environ.get(ranks, "1"))
    return f"rank {os.environ.get(rank, '0')} on {socket.gethostname()}: " if several else ""
