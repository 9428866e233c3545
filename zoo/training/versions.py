"""What the last digits of a result depend on in addition to its seed: versions, threads and the processor."""

from __future__ import annotations

import platform

import lightning
import torch
import torchmetrics
import torchvision

from zoo.support.version import __version__


def versions() -> dict[str, str]:
    """Return the versions of the packages that compute a result, the number of threads, and the processor's name."""
    return {
        "python": platform.python_version(),
        "zoo": __version__,
        "torch": str(torch.__version__),
        "lightning": str(lightning.__version__),
        "torchvision": str(torchvision.__version__),
        "torchmetrics": str(torchmetrics.__version__),
        "threads": str(torch.get_num_threads()),
        "processor": _processor(),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):  # another system, or a processor without a name
        return platform.processor() or platform.machine()
