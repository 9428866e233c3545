"""The checkpoint that a run is judged by."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch.callbacks import ModelCheckpoint


def best_checkpoint(folder: Path) -> ModelCheckpoint:
    """Return the callback that saves ``best.ckpt``: that of the epoch with the lowest ``val/loss``."""
    # With the absolute path, by which a resumed run finds its best checkpoint again from any working directory.
    return ModelCheckpoint(folder.resolve(), "best", monitor="val/loss", enable_version_counter=False)
