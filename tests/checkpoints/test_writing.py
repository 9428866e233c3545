"""Checkpoints are written whole or not at all."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from conftest import ON_LINUX, Command
from running import DIGITS_ON_CPU, LAST

from zoo.checkpoints.writing import SafeCheckpointIO


def test_a_checkpoint_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    SafeCheckpointIO().save_checkpoint({"a": torch.ones(3)}, path)
    with pytest.raises(AttributeError):
        SafeCheckpointIO().save_checkpoint({"a": lambda: None}, path)  # cannot be pickled
    assert torch.equal(SafeCheckpointIO().load_checkpoint(path)["a"], torch.ones(3))
    assert [p.name for p in tmp_path.iterdir()] == ["a.ckpt"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(folder)], capture_output=True, check=False
    )
    if done.returncode:
        pytest.skip("a disk that can be filled needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@ON_LINUX
def test_a_full_disk_ends_in_one_line_and_can_be_resumed(small_disk: Path, zoo_command: Command) -> None:
    out = small_disk / "runs"
    ballast = small_disk / "ballast"
    words = (
        "fit",
        "mlp",
        *DIGITS_ON_CPU,
        "--data.val_size",
        0,
        "--out",
        out,
        "--trainer.enable_model_summary",
        "false",
    )
    running = ("--model.hidden_dim", 20, "--checkpoint_every", 5)
    whole = zoo_command(*words, *running, "--trainer.max_epochs", 1)
    assert whole.code == 0, whole.err
    free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
    ballast.write_bytes(b"\0" * (free - 8192))
    done = zoo_command(*words, "--trainer.max_epochs", 9, "--ckpt_path", "last")
    assert done.code == 2
    assert "Traceback" not in done.err
    (error,) = [line for line in done.err.splitlines() if line.startswith("zoo: error")]
    assert "No space left on device; " in error
    assert f"{LAST} is unchanged. Free some space, and resume with " in error
    ballast.unlink()
    done = zoo_command(*words, "--trainer.max_epochs", 9, "--ckpt_path", "last")
    assert done.code == 0, done.err
    assert "after epoch 9 of 9" in done.out
