"""Checkpoints with anything done to them: a result, or one line that says what is wrong."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from altered import TENSORS, VALUES, altered, doing, place
from fuzzing import check, seldom
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from zoo.commands.cli import main

FIT = (
    "fit",
    "ffnn",
    "--data",
    "digits",
    "--trainer.limit_train_batches",
    "2",
    "--trainer.enable_model_summary",
    "false",
)
"""Beside Adam and a schedule, so that there is a state of each kind."""

SETUP = ("--model.optimizer", "Adam", "--model.lr_scheduler", "ReduceLROnPlateau", "--patience", "3")


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that ended, and the content of its checkpoint."""
    folder = tmp_path_factory.mktemp("whole")
    small = ("--model.hidden_dim", "8", "--trainer.max_epochs", "2", "--out", str(folder))
    assert main([*FIT, *SETUP, *small]) == 0
    Image.new("L", (28, 28), 255).save(folder / "white.png")
    (picture := Image.new("L", (28, 28), 255)).paste(0, (8, 4, 12, 24))
    picture.save(folder / "one.png")
    return folder


@seldom
@given(
    where=place,
    what=doing,
    value=st.sampled_from([*VALUES, *TENSORS]),
    command=st.sampled_from(["fit", "fit", "test", "predict", "export"]),
)
def test_altered_checkpoints(
    where: list[int], what: str, value: Any, command: str, run_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree("runs", ignore_errors=True)
    shutil.copytree(run_folder, "runs")
    (ckpt,) = Path("runs").rglob("last.ckpt")
    checkpoint = torch.load(ckpt, weights_only=True)
    torch.save(altered(checkpoint, where, what, value), ckpt)
    words = {
        "fit": [*FIT, "--ckpt_path", "last", "--trainer.max_epochs", "3"],
        "test": ["test", "--ckpt", str(ckpt), "--trainer.limit_test_batches", "1"],
        "predict": ["predict", "--ckpt", str(ckpt), "runs/one.png"],
        "export": ["export", "--ckpt", str(ckpt), "--format", "safetensors", "--out", "m"],
    }[command]
    for path in Path("runs").rglob("best.ckpt"):
        path.unlink()
    started = time.process_time()
    check(words, capsys)
    assert time.process_time() - started < 20
