"""Runs that are killed, and end as if they had not been."""

from __future__ import annotations

from types import ModuleType

import pytest
import torch
from conftest import ON_UNIX


@ON_UNIX
@pytest.mark.parametrize(("case", "kills"), [("ffnn", 1), ("workers", 1), ("ddp", 1)])
def test_a_killed_run_ends_as_if_it_had_not_been(
    case: str, kills: int, torture: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    assert torture.torture([case], kills, seed=1), capsys.readouterr().out


def test_the_comparison_can_fail(torture: ModuleType) -> None:
    a = {"x": [torch.tensor([1.0, 2.0]), {"y": 1}]}
    assert torture.equal(a, {"x": [torch.tensor([1.0, 2.0]), {"y": 1}]})
    for other in ({"x": [torch.tensor([1.0, 2.0000002]), {"y": 1}]}, {"x": [a["x"][0], {"y": 2}]}, {}):
        assert not torture.equal(a, other)
