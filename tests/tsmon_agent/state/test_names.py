"""Names: what is accepted."""

import pytest

from tsmon_agent.state.names import parse_name


@pytest.mark.parametrize(("value", "name"), [(" a b ", "a b"), ("GP03-ä/№1", "GP03-ä/№1"), ("x" * 255, "x" * 255)])
def test_names(value: str, name: str) -> None:
    assert parse_name(value) == name


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        (None, "is None; give a text"),
        (7, "is 7; give a text"),
        ("a\nb", "control character"),
        ("a\0", "control character"),
        ("a\x9bb", r"is 'a\\x9bb', with an invisible control character"),
        ("a\u202eb", r"is 'a\\u202eb', with an invisible control character"),
        ("a\\", "backslash at its end"),
        ("\ud800", "half of a surrogate pair"),
        ("x" * 256, "has 256 characters"),
    ],
)
def test_invalid_names(value: object, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_name(value)
