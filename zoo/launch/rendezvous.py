"""Rendezvous of the processes of a job after torchrun has restarted them."""

from __future__ import annotations

import functools
import os
import socket
import time
from typing import Any

from zoo.launch.launchers import has_agent_store, job

_store: Any = None


@functools.cache
def join() -> bool:
    """Bring the processes of a torchrun job together, and return whether the job was restarted.

    A job is restarted by SLURM after a requeue, and by torchrun after a worker has failed. All processes of the job get
    the same answer. Each of them must call this before torch.distributed is initialized.
    """
    job()  # cached now, since its name contains the port of torchrun's store, which is about to change
    restarted = _join_store() if has_agent_store() else int(os.environ.get("TORCHELASTIC_RESTART_COUNT") or 0) > 0
    return restarted or int(os.environ.get("SLURM_RESTART_COUNT") or 0) > 0


def _join_store() -> bool:
    """Connect the processes through a store of their own, and return whether torchrun has started some before.

    The store of torchrun's agent outlives the processes, and keeps the addresses of those that died, to which the
    restarted ones would connect (pytorch issue 135712); and each node counts restarts for itself. So the first rank
    opens a store for this attempt alone, and publishes its port in the agent's store. The port of an attempt that died
    is recognized by the fact that nobody listens on it.
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
