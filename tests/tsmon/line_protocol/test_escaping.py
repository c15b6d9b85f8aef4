import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.escaping import (
    check_field_key,
    check_measurement,
    check_tag_key,
    check_tag_value,
    check_text,
    escape_field_key,
    escape_measurement,
    escape_string,
    escape_tag,
    unescape_field_key,
    unescape_key,
    unescape_measurement,
    unescape_string,
)

SPECIAL = st.text(alphabet=st.sampled_from(list(',= "\\ab')) | st.characters())


def test_each_element_escapes_its_own_characters() -> None:
    text = 'a,b c=d"e\\f'
    assert escape_measurement(text) == r'a\,b\ c=d"e\f'
    assert escape_tag(text) == r'a\,b\ c\=d"e\f'
    assert escape_field_key(text) == r'a\,b\ c\=d"e\f'
    assert escape_string(text) == r"a,b c=d\"e\\f"


@given(SPECIAL)
def test_unescaping_is_the_inverse_of_escaping(text: str) -> None:
    assert unescape_string(escape_string(text)) == text
    if "\\ " not in text and not text.endswith("\\"):
        assert unescape_measurement(escape_measurement(text)) == text
        assert unescape_key(escape_tag(text)) == text
        if '\\"' not in text:
            assert unescape_field_key(escape_field_key(text)) == text


@pytest.mark.parametrize("check", [check_measurement, check_tag_key, check_field_key])
@pytest.mark.parametrize("name", ["a", "a b", "a,b=c", 'a"b', "a\\b", "#a"[::-1], "é\ufeff😀", "Time", "a_", "'"])
def test_names_that_the_server_stores_unchanged_are_accepted(check: object, name: str) -> None:
    assert callable(check)
    check(name)


@pytest.mark.parametrize(
    ("check", "name", "sentence"),
    [
        (check_measurement, "", "measurement is empty; give it a name"),
        (
            check_measurement,
            "#m",
            "measurement '#m' starts with '#', which makes the line a comment; choose another name",
        ),
        (check_measurement, "_m", "measurement '_m' is reserved by InfluxDB; choose another name"),
        (
            check_measurement,
            "a\\,b",
            "measurement 'a\\\\,b' has a backslash before ',', which line protocol cannot represent; remove it",
        ),
        (
            check_measurement,
            "a\nb",
            "measurement 'a\\nb' has a control character (such as a newline); remove or replace it",
        ),
        (check_tag_key, "time", "tag key 'time' is reserved by InfluxDB; choose another name"),
        (check_tag_key, "_field", "tag key '_field' is reserved by InfluxDB; choose another name"),
        (
            check_tag_key,
            "a\\",
            "tag key 'a\\\\' ends with a backslash, which line protocol cannot represent; remove it",
        ),
        (
            check_tag_key,
            "a\\ b",
            "tag key 'a\\\\ b' has a backslash before ' ', which line protocol cannot represent; remove it",
        ),
        (
            check_tag_key,
            "\x7f",
            "tag key '\\x7f' has a control character (such as a newline); remove or replace it",
        ),
        (check_field_key, "time", "field key 'time' is reserved by InfluxDB; choose another name"),
        (check_field_key, "_value", "field key '_value' is reserved by InfluxDB; choose another name"),
        (
            check_field_key,
            'a\\"b',
            "field key 'a\\\\\"b' has a backslash before '\"', which line protocol cannot represent; remove it",
        ),
        (
            check_field_key,
            "a\\,b",
            "field key 'a\\\\,b' has a backslash before ',', which line protocol cannot represent; remove it",
        ),
        (check_field_key, "\ud800", "field key '\\ud800' has a lone surrogate, which UTF-8 cannot encode"),
    ],
)
def test_names_that_the_server_would_change_are_refused(check: object, name: str, sentence: str) -> None:
    assert callable(check)
    with pytest.raises(InvalidPointError) as caught:
        check(name)
    assert str(caught.value) == sentence


def test_a_refused_tag_value_names_its_key_and_is_shortened() -> None:
    with pytest.raises(InvalidPointError) as caught:
        check_tag_value("path", "C:\\" * 50)
    assert str(caught.value).startswith("the value of tag 'path' 'C:\\\\C:\\\\")
    assert len(str(caught.value)) < 200


def test_an_empty_tag_value_passes_because_the_tag_is_left_out() -> None:
    check_tag_value("t", "")


def test_text_without_utf_8_is_refused() -> None:
    check_text("x", "é😀")
    with pytest.raises(InvalidPointError, match=r"^x '\\ud83d' has a lone surrogate"):
        check_text("x", "\ud83d")
