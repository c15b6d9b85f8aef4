"""Numbers are read as they are written, and refused where they may be two."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import ImportingError
from tsmon_agent.tables.numbers import NumberForm, find_number_form, is_missing, looks_like_number


@pytest.mark.parametrize(
    ("texts", "decimal", "thousands"),
    [
        (["1.5", "2"], ".", ""),
        (["1,5"], ",", ""),
        (["0,123"], ",", ""),
        (["1234,567"], ",", ""),
        ([",5"], ",", ""),
        (["1,234e5"], ",", ""),
        (["1,5e-3"], ",", ""),
        (["34.567"], ".", ""),
        (["1,234.5"], ".", ","),
        (["1.234,5"], ",", "."),
        (["1,234", "1.5"], ".", ","),
        (["1,234", "3,5"], ",", ""),
        (["1.234", "3,5"], ",", "."),
        (["1,234,567"], ".", ","),
        (["1.234.567"], ",", "."),
        (["1 234,5"], ",", " "),
        (["1\u202f234\u00a0567"], ".", " "),
        (["1'234.5", "1\u2019234"], ".", "'"),
        (["-12", "+3", "\u22124.5"], ".", ""),
        ([], ".", ""),
    ],
)
def test_the_form_is_recognised_where_there_is_no_doubt(texts: list[str], decimal: str, thousands: str) -> None:
    assert find_number_form(texts, None, None) == NumberForm(decimal, thousands)


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (["1,234"], "'1,234' may be 1234 or 1.234; name the decimal sign by --decimal"),
        (["12,345", "1.234"], "'12,345' may be 12345 or 12.345"),
        (["1,5", "1.5"], "both decimal signs ('1.5', '1,5'); name the right one by --decimal"),
        (["1'234", "1 234"], "different separators"),
    ],
)
def test_what_may_be_two_numbers_needs_the_option(texts: list[str], said: str) -> None:
    with pytest.raises(ImportingError) as caught:
        find_number_form(texts, None, None)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("decimal", "thousands", "value"),
    [(",", None, "1.234"), (".", None, "1234"), (None, ",", "1234"), (",", "", "1.234")],
)
def test_what_is_given_leaves_no_doubt(decimal: str | None, thousands: str | None, value: str) -> None:
    assert find_number_form(["1,234"], decimal, thousands).normalize("1,234") == value


@pytest.mark.parametrize(
    "text",
    ["", "1,5", "1_000", "1 000", "1.2.3", "inf", "nan", "0x10", "٣", "1e", "e5", "--1", "1,23,4.5", "12,34.5"],
)
def test_only_numbers_of_the_form_are_read(text: str) -> None:
    for form in (NumberForm(), NumberForm(".", ",") if text != "1,5" else NumberForm()):
        with pytest.raises(ValueError, match=r"^$"):
            form.normalize(text)


values = st.floats(allow_nan=False, allow_infinity=False).map(float)
forms = st.sampled_from([(".", ""), (".", ","), (",", ""), (",", "."), (",", " "), (".", "'")])


@given(st.lists(values, min_size=1, max_size=8), forms)
def test_written_numbers_are_read_back_or_refused(numbers: list[float], form: tuple[str, str]) -> None:
    decimal, thousands = form
    texts = [
        f"{value:,.4f}".replace(",", "T").replace(".", decimal).replace("T", thousands)
        if abs(value) < 1e12
        else repr(value).replace(".", decimal)
        for value in numbers
    ]
    assert all(map(looks_like_number, texts))
    found = find_number_form(texts, None, None)
    for value, text in zip(numbers, texts, strict=True):
        assert float(found.normalize(text)) == (float(f"{value:.4f}") if abs(value) < 1e12 else value)


@given(st.lists(st.text("0123456789.,' +-e", max_size=9), max_size=4))
def test_any_texts_have_a_form_or_a_sentence(texts: list[str]) -> None:
    numbers = [text for text in texts if looks_like_number(text)]
    try:
        form = find_number_form(numbers, None, None)
    except ImportingError:
        return
    for text in numbers:
        with contextlib.suppress(ValueError):
            assert float(form.normalize(text)) == float(form.normalize(text))


def test_marks_of_missing_values() -> None:
    for text in ["", "-", "NULL", "null", "NA", "N/A", "NaN", "<NA>", "NaT", "None", "\\N", "#N/A", "--"]:
        assert is_missing(text)
    for text in ["0", "-1", "x", "-9999"]:
        assert not is_missing(text)
