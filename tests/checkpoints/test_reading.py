"""Damage to a checkpoint is found."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command
from running import DIGITS_ON_CPU, LAST, load

import zoo


def test_a_flipped_byte_in_a_checkpoint_is_found(zoo_command: Command) -> None:
    """Also in the weights, where torch itself would take any byte."""
    assert zoo_command("fit", "slp", *DIGITS_ON_CPU, "--trainer.max_epochs", 1).code == 0
    path = Path("runs/slp-digits/1") / LAST
    content = path.read_bytes()
    weights = load(path)["state_dict"]["fc.weight"].numpy().tobytes()
    place = content.index(weights) + 1000
    path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
    assert load(path)["state_dict"].keys() == {"fc.weight", "fc.bias"}
    with pytest.raises(zoo.ZooError, match="is damaged"):
        zoo.load_model(path)
