"""Seeds."""

from __future__ import annotations

from zoo.support.seeds import combine_seeds


def test_a_batch_does_not_depend_on_what_was_drawn_before() -> None:
    assert combine_seeds(1, 2, 3) != combine_seeds(1, 3, 2) != combine_seeds(0, 1, 2)
    assert 0 <= combine_seeds(2**62, 2**62, 2**62) < 2**63
