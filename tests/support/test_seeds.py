"""Seeds."""

from __future__ import annotations

from zoo.support.seeds import mixed


def test_a_batch_does_not_depend_on_what_was_drawn_before() -> None:
    assert mixed(1, 2, 3) != mixed(1, 3, 2) != mixed(0, 1, 2)
    assert 0 <= mixed(2**62, 2**62, 2**62) < 2**63
