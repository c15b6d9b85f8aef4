"""A parameter is declared once; its text becomes a value, or a sentence."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from tsmon_agent.web.requests.parameters import (
    Parameter,
    choice,
    flag,
    integer,
    number,
    parse_parameters,
    text,
)

NAME = text("name", "A name.")
KIND = choice("kind", "A kind.", {"": None, "one": 1, "two": 2, "three": 3}, None)
ON = flag("on", "On or off.", None)
COUNT = integer("count", "A count.", 7, least=0, most=99)
SIZE = number("size", "A size.")
CHART = choice("chart", "A chart.", {"cpu": "CPU", "disk": "Disk"}, "CPU", required=True)


def value(query: str, parameter: Parameter[Any]) -> Any:
    return parse_parameters(make_mocked_request("GET", f"/?{query}"), [parameter])[parameter]


@pytest.mark.parametrize(
    ("query", "parameter", "expected"),
    [
        ("", NAME, ""),
        ("name=", NAME, ""),
        ("name=a%20b", NAME, "a b"),
        ("", KIND, None),
        ("kind=", KIND, None),
        ("kind=two", KIND, 2),
        ("", ON, None),
        ("on=false", ON, False),
        ("", COUNT, 7),
        ("count=99", COUNT, 99),
        ("", SIZE, None),
        ("size=-1.5e3", SIZE, -1500.0),
        ("chart=disk", CHART, "Disk"),
    ],
)
def test_texts_become_values(query: str, parameter: Parameter[Any], expected: object) -> None:
    assert value(query, parameter) == expected


@pytest.mark.parametrize(
    ("query", "parameter", "sentence"),
    [
        ("kind=four", KIND, "The parameter kind must be one of one, two, three."),
        ("on=", ON, "The parameter on must be true or false."),
        ("count=", COUNT, "The parameter count must be an integer."),
        ("count=1.0", COUNT, "The parameter count must be an integer."),
        ("count=\N{SUPERSCRIPT TWO}", COUNT, "The parameter count must be an integer."),
        (f"count={'9' * 5000}", COUNT, "The parameter count must be an integer."),
        ("count=-1", COUNT, "The parameter count must be from 0 to 99."),
        ("size=", SIZE, "The parameter size must be a number."),
        ("size=nan", SIZE, "The parameter size must be a number."),
        ("size=inf", SIZE, "The parameter size must be a number."),
        ("", CHART, "The parameter chart must be cpu or disk."),
        ("nam=x", NAME, "There is an unknown parameter; this address takes name."),
        ("name=x&name=x", NAME, "The parameter name is there more than once; give it once."),
    ],
)
def test_wrong_texts_are_named_with_the_remedy(query: str, parameter: Parameter[Any], sentence: str) -> None:
    with pytest.raises(web.HTTPBadRequest) as refused:
        value(query, parameter)
    assert refused.value.text == sentence


def test_a_path_and_a_query_may_have_parameters_of_one_name() -> None:
    in_path = text("name", "In the path.", where="path")
    request = make_mocked_request("GET", "/?name=query", match_info={"name": "path"})
    values = parse_parameters(request, [in_path, NAME])
    assert (values[in_path], values[NAME]) == ("path", "query")
    assert parse_parameters(request, [in_path])[in_path] == "path", "an address without a query ignores it"


def test_texts_are_those_of_the_query_that_are_not_empty() -> None:
    values = parse_parameters(make_mocked_request("GET", "/?kind=one&name=&size=2"), [NAME, KIND, SIZE, ON])
    assert values.texts(NAME, SIZE, KIND, ON) == [("size", "2"), ("kind", "one")]
