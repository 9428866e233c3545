"""Atomic writing of checkpoints: a crash or a full disk leaves the previous one."""

from __future__ import annotations

import glob
import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from zoo.support.files import TEMPORARY_INFIX, atomic_write


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint to a temporary file in the same folder, flushes it to disk, and renames it.

    Lightning writes to TMPDIR and moves the file: across file systems, that is a copy, which a crash may truncate.
    Only tensors and plain values are ever loaded.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save a checkpoint atomically."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        torch.save(checkpoint, content)  # its errors when writing to a file give no reason
        with atomic_write(target, durable=True) as temporary:
            temporary.write_bytes(content.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None) -> dict[str, Any]:
        """Load a checkpoint from a local file."""
        loaded: dict[str, Any] = super().load_checkpoint(Path(path), map_location, weights_only=True)
        return loaded


def remove_leftovers(folder: Path, name: str = "*") -> None:
    """Delete the temporary files of killed processes in a folder.

    Args:
        folder: The folder.
        name: Name of the file that was being written, where other processes may be writing into the folder now.
    """
    name = name if name == "*" else glob.escape(name)
    for leftover in folder.glob(f".{name}{TEMPORARY_INFIX}*"):
        leftover.unlink(missing_ok=True)
