"""Checkpoints written such that a crash, or a full disk, leaves the one before."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import torch
from lightning.fabric.plugins import TorchCheckpointIO

from zoo.support.files import TEMPORARY_INFIX, atomic_write


class SafeCheckpointIO(TorchCheckpointIO):
    """Writes a checkpoint beside its place, makes sure that it is on the disk, and then puts it there.

    Lightning's own way writes to TMPDIR and moves: across file systems, that is a copy which a crash cuts short.
    Reading never unpickles more than tensors and plain values.
    """

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any | None = None) -> None:
        """Save a checkpoint; whole, or not at all."""
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        torch.save(checkpoint, content)  # to a file that cannot be written it raises what tells no reason
        with atomic_write(target, durable=True) as temporary:
            temporary.write_bytes(content.getbuffer())

    def load_checkpoint(self, path: Any, map_location: Any = "cpu", weights_only: bool | None = None) -> dict[str, Any]:
        """Load a checkpoint from a local file, whatever device it was saved from."""
        loaded: dict[str, Any] = super().load_checkpoint(Path(path), map_location, weights_only=True)
        return loaded


def remove_leftovers(folder: Path) -> None:
    """Delete what writers that were killed left in a folder."""
    for leftover in folder.glob(f".*{TEMPORARY_INFIX}*"):
        leftover.unlink(missing_ok=True)
