"""Selectors as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.errors import SelectorError
from tsmon.line_protocol import parse
from tsmon.stores import Selector, format_selector, parse_selector
from tsmon.stores.selectors import check_selector


@pytest.mark.parametrize(
    ("text", "selector"),
    [
        ("ctd", Selector("ctd", "value", {})),
        ("  ctd  temperature ", Selector("ctd", "temperature", {})),
        ("ctd,a=1,b=2 t", Selector("ctd", "t", {"a": "1", "b": "2"})),
        (r"c\ t\,d,a\=b=x\ y\,z f\ g", Selector("c t,d", "f g", {"a=b": "x y,z"})),
        ("größe,stück=ü µ", Selector("größe", "µ", {"stück": "ü"})),
        ("ctd f\\ ", Selector("ctd", "f ", {})),
    ],
)
def test_texts(text: str, selector: Selector) -> None:
    assert parse_selector(text) == selector
    assert parse_selector(format_selector(selector)) == selector


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "the measurement is missing"),
        ("   ", "the measurement is missing"),
        (",a=b f", "the measurement is missing"),
        ("ctd,a f", "a tag is not key=value"),
        ("ctd,a= f", "a tag is not key=value|tag 'a' is empty"),
        ("ctd,a=1,a=2 f", "tag 'a' occurs twice"),
        ("ctd,_field=1 f", "reserved"),
        ("_ctd f", "reserved"),
        ("ctd _f", "reserved"),
        ("ctd time", "reserved"),
        ("#ctd f", "starts with '#'"),
        ("ctd f\nctd g", "control character"),
    ],
)
def test_what_selects_nothing(text: str, reason: str) -> None:
    with pytest.raises(SelectorError, match=reason):
        parse_selector(text)


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=8)
selectors = st.builds(Selector, names, names, st.dictionaries(names, names, max_size=3))


def is_possible(selector: Selector) -> bool:
    try:
        check_selector(selector)
    except SelectorError:
        return False
    return True


@given(selectors.filter(is_possible))
def test_a_text_means_the_selector_that_it_was_made_of(selector: Selector) -> None:
    assert parse_selector(format_selector(selector)) == selector


@given(selectors.filter(is_possible))
def test_a_text_reads_like_the_line_of_a_selected_point(selector: Selector) -> None:
    (point,) = parse(format_selector(selector) + "=1")
    assert (point.measurement, point.tags, set(point.fields)) == (
        selector.measurement,
        selector.tags,
        {selector.field},
    )


@given(st.text(max_size=20))
def test_any_text_is_a_selector_or_refused(text: str) -> None:
    try:
        selector = parse_selector(text)
    except SelectorError:
        return
    assert parse_selector(format_selector(selector)) == selector
