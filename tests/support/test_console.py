"""What is shown on a terminal."""

from __future__ import annotations

from zoo.support.console import escape_control, is_printable
from zoo.support.tables import format_table

EVIL = "a\x1b]0;owned\x07\x9b2J\r\x7f\u202eb\u2028c"


def test_nothing_steers_the_terminal() -> None:
    assert is_printable(escape_control(EVIL))
    assert escape_control(EVIL) == r"a\x1b]0;owned\x07\x9b2J\r\x7f\u202eb\u2028c"
    assert escape_control("é ☃ 漢字 → 🙂") == "é ☃ 漢字 → 🙂"
    assert is_printable(format_table(["a\nb"], [[EVIL]]).replace("\n", ""))
