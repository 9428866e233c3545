"""metrics.csv."""

from __future__ import annotations

from pathlib import Path

from conftest import Command
from running import DIGITS_ON_CPU

from zoo.training.metrics_file import read_metrics


def test_metrics_of_a_resumed_run_have_each_step_once(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--checkpoint_every", 3)
    assert zoo_command(*words, "--trainer.max_epochs", 3).code == 0
    assert zoo_command(*words, "--trainer.max_epochs", 5, "--ckpt_path", "last").code == 0
    assert zoo_command(*words, "--trainer.max_epochs", 5).code == 0
    rows = [read_metrics(Path(f"runs/slp-digits/{number}/metrics.csv")) for number in (1, 2)]
    assert [row["step"] for row in rows[0]] == sorted({row["step"] for row in rows[0]})
    assert rows[0] == rows[1]
