"""``zoo describe``."""

from __future__ import annotations

import pytest
from conftest import Command

import zoo


@pytest.mark.parametrize("name", [*zoo.list_models(), *zoo.list_datamodules()])
def test_describe_shows_the_card(name: str, zoo_command: Command) -> None:
    done = zoo_command("describe", name)
    assert done.code == 0
    assert "Source:" in done.out
    assert ("Parameters:" in done.out) == (name in zoo.list_models())
