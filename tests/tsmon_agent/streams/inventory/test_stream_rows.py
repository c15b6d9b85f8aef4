"""Rows of expected streams: every mistake is named by its line."""

import pytest

from tsmon.availability.reported_bins import selects_reported_bins
from tsmon.errors import InvalidRowsError
from tsmon.line_protocol import encode, parse
from tsmon.points import StreamBin
from tsmon.stores import Selector
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory import (
    StreamRow,
    parse_stream_csv,
    parse_stream_rows,
)

SETTINGS = Settings()
HEADER = "reference designator,method,stream,expected rate,warn interval,fail interval,selector,rules,enabled\n"


def one(text: str, settings: Settings = SETTINGS) -> StreamRow:
    (row,) = parse_stream_csv(text, settings, source="expected.csv")
    return row


def mistakes(text: str) -> list[tuple[int, str]]:
    with pytest.raises(InvalidRowsError) as wrong:
        parse_stream_csv(text, SETTINGS, source="expected.csv")
    return list(wrong.value.mistakes)


def test_all_of_a_row() -> None:
    row = one(HEADER + 'GP03,streamed,ctd,1,10m,3600,"ctd,a=b t",gap_fraction=0.5,no\n')
    assert row == StreamRow(
        line=2,
        reference_designator="GP03",
        method="streamed",
        stream="ctd",
        selector=Selector("ctd", "t", {"a": "b"}),
        keeps_selector=False,
        expected_rate=1.0,
        warn_interval_ns=600_000_000_000,
        fail_interval_ns=3_600_000_000_000,
        rules={"gap_fraction": 0.5},
        enabled=False,
    )


def test_the_six_columns_in_their_order() -> None:
    row = one("GP03,streamed,ctd,1,10m,1h\n")
    assert (row.expected_rate, row.warn_interval_ns, row.fail_interval_ns) == (1.0, 600 * 10**9, 3600 * 10**9)
    assert row.keeps_selector


def test_without_a_selector_it_is_that_of_the_settings() -> None:
    tags = {"reference_designator": "GP03", "method": "streamed"}
    assert one("GP03,streamed,ctd\n").selector == Selector("ctd", "value", tags)
    settings = Settings(streams={"selector": "data,{method}_{stream}={reference_designator} {stream}"})
    assert one("{stream},a,b\n", settings).selector == Selector("data", "b", {"a_b": "{stream}"})


def test_reported_bins() -> None:
    tags = {"reference_designator": "GP03", "method": "streamed", "stream": "_odd"}
    assert one("GP03,streamed,_odd,,,,stream_bins\n").selector == Selector("stream_bins", "count", tags)
    assert one("GP03,streamed,_odd,,,,stream_bins f\n").selector == Selector("stream_bins", "f", {})


def test_reported_bins_are_points_of_that_class() -> None:
    selector = one("GP03,streamed,ctd,,,,stream_bins\n").selector
    line = encode(StreamBin(reference_designator="GP03", method="streamed", stream="ctd", length=5, count=3))
    (point,) = parse(line)
    assert (selector.measurement, selector.tags) == (point.measurement, point.tags)
    assert selects_reported_bins(selector)
    assert point.fields[selector.field] == 3


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (",b,c", "the reference designator is empty; give it a name"),
        ("a,,c", "the method is empty; give it a name"),
        ("a,b,c,often", "the expected rate is 'often'; give a number of Hz"),
        ("a,b,c,nan", "the expected rate is 'nan'; give a number of Hz"),
        ("a,b,c,-1", "the expected rate is '-1'; give a number of Hz"),
        ("a,b,c,,-1", "the warn interval is '-1'; give seconds above 0"),
        ("a,b,c,,,soon", "the fail interval is 'soon'; give seconds above 0"),
        ("a,b,c,,2,1", "the warn interval is longer than the fail interval; exchange the two"),
        ("a,b,c,,,,_x f", "the selector is wrong: measurement '_x' is reserved"),
        ("a,b,c,,,,,gap=1", "the rules are wrong: gap is not a rule"),
        ("a,b,c,,,,,gap", "the rules are wrong: 'gap' is not key=value"),
        ("a,b,c,,,,,,maybe", "the flag enabled is 'maybe'; give true or false"),
        ("a,b,_c", "the selector from the settings does not fit it: measurement '_c' is reserved"),
    ],
)
def test_mistakes(cells: str, reason: str) -> None:
    ((line, found),) = mistakes(f"x,y,z\n{cells}\n")
    assert line == 2
    assert found.startswith(reason)


def test_every_mistake_is_named() -> None:
    found = mistakes("a,b,c,often,never\na,b,d\na\na,b,d\na,b,e,0\n")
    assert [line for line, _ in found] == [1, 1, 3, 4, 5]
    assert found[3][1] == "this is the stream of line 2 again; remove one of the two"


def test_text_of_one_mistake() -> None:
    with pytest.raises(InvalidRowsError) as wrong:
        parse_stream_csv("a,b,c,-1\n", SETTINGS, source="expected.csv")
    assert str(wrong.value) == (
        "expected.csv:1: the expected rate is '-1'; give a number of Hz between 1e-9 and 1e9, or leave it "
        "empty; nothing was applied"
    )


def test_text_of_several() -> None:
    with pytest.raises(InvalidRowsError) as wrong:
        parse_stream_csv("a\nb\n", SETTINGS, source="expected.csv")
    lines = str(wrong.value).splitlines()
    assert [line[:16] for line in lines] == ["expected.csv:1: ", "expected.csv:2: ", "2 mistakes in ex"]
    assert lines[-1] == "2 mistakes in expected.csv; nothing was applied"


def test_from_json() -> None:
    (row,) = parse_stream_rows(
        [
            (
                1,
                {
                    "reference_designator": "a",
                    "method": "b",
                    "stream": "c",
                    "expected_rate": 2,
                    "warn_interval": None,
                    "fail_interval": 1.5,
                    "rules": {"bounds": [1, 2, 3]},
                    "enabled": False,
                },
            )
        ],
        SETTINGS,
    )
    assert (row.expected_rate, row.warn_interval_ns, row.fail_interval_ns) == (2.0, None, 1_500_000_000)
    assert (row.rules, row.enabled) == ({"bounds": [1.0, 2.0, 3.0]}, False)


def test_mistakes_in_json() -> None:
    rows = [
        (1, {"reference_designator": "a", "method": 3, "rate": 1}),
        (2, {"reference_designator": "a", "method": "b", "stream": "c", "rules": [1], "selector": {}}),
    ]
    with pytest.raises(InvalidRowsError) as wrong:
        parse_stream_rows(rows, SETTINGS)
    assert [(line, reason.partition(";")[0]) for line, reason in wrong.value.mistakes] == [
        (1, "the method is 3"),
        (1, "the stream is missing"),
        (1, "there is no 'rate' in a row"),
        (2, "the rules are wrong: they are neither an object nor a text"),
        (2, "the selector is {}"),
    ]
