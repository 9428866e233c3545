"""What a run's last digits depend on beside its seed."""

from __future__ import annotations

import platform

import torch


def machine() -> dict[str, str]:
    """Return the number of threads that torch computes with, and the name of the processor."""
    return {"threads": str(torch.get_num_threads()), "processor": _processor()}


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):  # another system, or a processor that does not tell
        return platform.processor() or platform.machine()
