"""Callbacks of Lightning's, and of the user's, in a run that goes on."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest
from conftest import Command
from lightning.pytorch import callbacks
from running import DIGITS_ON_CPU, LAST, crash_at, load

ARGUMENTS = {
    "BasePredictionWriter": ["--trainer.callbacks.write_interval", "batch"],
    "EarlyStopping": ["--trainer.callbacks.monitor", "val/loss"],
    "GradientAccumulationScheduler": ["--trainer.callbacks.scheduling", "{0: 2, 1: 3}"],
    "ModelPruning": ["--trainer.callbacks.pruning_fn", "l1_unstructured"],
    "OnExceptionCheckpoint": ["--trainer.callbacks.dirpath", "."],
    "StochasticWeightAveraging": ["--trainer.callbacks.swa_lrs", 0.01],
}


@pytest.mark.parametrize("name", callbacks.__all__)
def test_a_callback_of_lightnings_is_resumed_exactly_or_refused(
    name: str, zoo_command: Command, torture: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command is repeated, as torchrun does, or only the network is named: it is the same run."""
    chosen = (f"--trainer.callbacks+={name}", *ARGUMENTS.get(name, []))
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2, "--checkpoint_every", 2, *chosen)
    whole = zoo_command(*words, "--out", "whole")
    if whole.code == 2:
        errors = [line for line in whole.err.splitlines() if line.startswith("zoo: error: ")]
        assert len(errors) == 1, whole.err
        assert name in errors[0]
        assert not Path("whole").exists()
        return
    assert whole.code == 0, whole.err
    steps = load(f"whole/slp-digits/1/{LAST}")["global_step"]
    crash_at(steps // 2 + 1, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--out", "crashed")
    crash_at(steps - 2, monkeypatch)
    with pytest.raises(MemoryError):
        zoo_command(*words, "--out", "crashed", "--ckpt_path", "last")
    assert zoo_command("fit", "slp", *DIGITS_ON_CPU, "--out", "crashed", "--ckpt_path", "last").code == 0
    for part in torture.PARTS:
        assert torture.equal(*(load(f"{out}/slp-digits/1/{LAST}")[part] for out in ("whole", "crashed"))), part


def test_the_last_checkpoint_knows_what_the_users_own_callback_saved(zoo_command: Command) -> None:
    words = ("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 2, "--trainer.callbacks+=ModelCheckpoint")
    assert zoo_command(*words).code == 0
    states = [
        state for name, state in load(f"runs/slp-digits/1/{LAST}")["callbacks"].items() if "'monitor': None" in name
    ]
    assert [Path(state["best_model_path"]).name for state in states] == ["epoch=1-step=40.ckpt"]
