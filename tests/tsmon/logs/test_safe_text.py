"""Text that goes to terminals and logs."""

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.logs.safe_text import escape_unprintable, has_control_characters


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("temperature, °C — 10\xa0m\u3000水温", "temperature, °C — 10\xa0m\u3000水温"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b31mred", "\\x9b31mred"),
        ("a\nb\r\tc", "a\\nb\\r\\tc"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("a\u2066b\u2069\u200f", "a\\u2066b\\u2069\\u200f"),
        ("a\u2028b", "a\\u2028b"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\U000e0001"),
        ("C:\\new", "C:\\new"),
    ],
)
def test_what_is_not_seen_is_written_as_an_escape(text: str, shown: str) -> None:
    assert escape_unprintable(text) == shown


def test_spaces_of_all_scripts_stay() -> None:
    spaces = "".join(one for one in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(one) == "Zs")
    assert escape_unprintable(spaces) == spaces
    assert escape_unprintable(spaces + "\0") == spaces + "\\x00"


@given(st.text())
def test_nothing_that_commands_a_terminal_is_left(text: str) -> None:
    shown = escape_unprintable(text)
    assert not has_control_characters(shown)
    assert escape_unprintable(shown) == shown
    assert len(shown.splitlines()) <= 1


@pytest.mark.parametrize("character", list("\x00\x1b\x7f\x9b\u061c\u200f\u2028\u202e\u2067"))
def test_what_steers_is_told(character: str) -> None:
    assert has_control_characters(f"a{character}b")


@pytest.mark.parametrize("text", ["", "ctd", "\u0645\u06cc\u200c\u062e\u0648", "👩\u200d🔬", "a\xa0b", "שלום"])
def test_writing_of_all_kinds_does_not_steer(text: str) -> None:
    assert not has_control_characters(text)
