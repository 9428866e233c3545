"""What is shown on a terminal."""

from __future__ import annotations

from zoo.support.console import is_plain, plain
from zoo.support.tables import columns

EVIL = "a\x1b]0;owned\x07\x9b2J\r\x7f\u202eb\u2028c"


def test_nothing_steers_the_terminal() -> None:
    assert is_plain(plain(EVIL))
    assert plain(EVIL) == r"a\x1b]0;owned\x07\x9b2J\r\x7f\u202eb\u2028c"
    assert plain("é ☃ 漢字 → 🙂") == "é ☃ 漢字 → 🙂"
    assert is_plain(columns(["a\nb"], [[EVIL]]).replace("\n", ""))
