"""Decisions by what other libraries' messages say, where they raise no type of error of their own.

Each of them has a test that raises the error.
"""

from __future__ import annotations

import re


def is_out_of_memory(error: Exception) -> bool:
    """Return whether an error says that a tensor does not fit into memory; torch raises RuntimeError for the CPU's."""
    return isinstance(error, MemoryError) or re.search("memory|overflow", str(error)) is not None


def is_lost_connection(error: Exception) -> bool:
    """Return whether an error says that another process is gone: Gloo's "closed by peer" and "reset by peer"."""
    return "by peer" in str(error)


def is_worker_failure(error: RuntimeError) -> bool:
    """Return whether torch's DataLoader says that a worker died or timed out; a worker's own errors are others."""
    return re.match(r"DataLoader (timed out|worker \(pid)", str(error)) is not None


def state_dict_problem(error: RuntimeError) -> str:
    """Return the last of the problems that ``load_state_dict`` lists in its message, one a line after a tab."""
    return " ".join(str(error).split("\n\t")[-1].split())
