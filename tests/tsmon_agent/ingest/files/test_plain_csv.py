"""Plain tables by a mapping, given or guessed."""

import io
from pathlib import Path

import pytest

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files import (
    Chunk,
    ColumnMapping,
    PlainCsv,
    complete_mapping,
    load_mapping,
    override_mapping,
)

T = 1_704_067_200_000_000_000


def read(text: str, mapping: ColumnMapping) -> Chunk:
    data = text.encode()
    reader = PlainCsv(complete_mapping(mapping, io.BytesIO(data)))
    [chunk] = reader.read_chunks(io.BytesIO(data), 0, 1)
    return chunk


def test_columns_are_guessed_from_their_names_and_values() -> None:
    text = "Station,time,temperature,ok\na b,2024-01-01,1.5,true\nc,2024-01-01T00:00:01Z,,false\n"
    found = complete_mapping(ColumnMapping(measurement="w"), io.BytesIO(text.encode()))
    assert str(found) == (
        "time: time (iso, UTC); measurement: w; tags: Station; fields: temperature (float), ok (bool)"
    )
    assert read(text, ColumnMapping(measurement="w")).lines == [
        rf"w,Station=a\ b temperature=1.5,ok=true {T}",
        f"w,Station=c ok=false {T + 10**9}",
    ]


@pytest.mark.parametrize(
    ("form", "zone", "text", "time_ns"),
    [
        (None, "UTC", "1704067200.5", T + 5 * 10**8),
        (None, "UTC", "1704067200500", T + 5 * 10**8),
        (None, "UTC", "1704067200500000", T + 5 * 10**8),
        (None, "UTC", str(T + 1), T + 1),
        ("s", "UTC", "1704067200.123456789", T + 123_456_789),
        ("iso", "UTC", "2024-01-01T00:00:00.123456789Z", T + 123_456_789),
        ("iso", "Europe/Berlin", "2024-01-01 01:00", T),
        ("%d.%m.%Y %H:%M", "UTC", "01.01.2024 00:00", T),
    ],
)
def test_times_are_exact(form: str | None, zone: str, text: str, time_ns: int) -> None:
    mapping = ColumnMapping(measurement="m", time_format=form, timezone=zone, time="when")
    assert read(f"when,v\n{text},1\n", mapping).lines == [f"m v=1.0 {time_ns}"]


def test_types_of_fields_and_a_column_that_names_the_measurement() -> None:
    mapping = override_mapping(
        ColumnMapping(), measurement_column="what", fields=["n:int", "u:uint", "s:str", "b:bool", "f"], tags=["t"]
    )
    text = f'what,time,t,n,u,s,b,f\nx,{T},q,-3,4,"a, ""b""",yes,1e3\n'
    assert read(text, mapping).lines == [rf'x,t=q n=-3i,u=4u,s="a, \"b\"",b=true,f=1000.0 {T}']


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("x,1", "column time: 'x' is not a number of s since the epoch"),
        ("5,x", "column v: 'x' is not of type int"),
        ("5,99999999999999999999", "column v: '99999999999999999999' is not of type int"),
        ("5", "it has 1 cells instead of 2"),
        ("5,", "it has no field with a value"),
        ("1e30,1", "its time is"),
    ],
)
def test_a_bad_row_is_told_by_line_and_column(row: str, reason: str) -> None:
    mapping = ColumnMapping(measurement="m", fields={"v": "int"}, time_format="s")
    chunk = read(f"time,v\n1,2\n{row}\n3,4\n", mapping)
    [bad] = chunk.bad
    assert bad.line == 3
    assert bad.reason.startswith(reason)
    assert chunk.lines == ["m v=2i 1000000000", "m v=4i 3000000000"]


@pytest.mark.parametrize(
    ("header", "mapping", "said"),
    [
        ("a,b", ColumnMapping(measurement="m"), "none of the columns a, b is called time"),
        ("time,v", ColumnMapping(), "name it by --measurement"),
        ("time,v", ColumnMapping(measurement="m", tags=["x"]), "there is no column x; there are time, v"),
        ("time,v", ColumnMapping(measurement="m"), "no column holds numbers"),
    ],
)
def test_what_cannot_be_guessed_is_asked_for(header: str, mapping: ColumnMapping, said: str) -> None:
    with pytest.raises(ImportingError, match=said):
        complete_mapping(mapping, io.BytesIO(header.encode()))


def test_a_mapping_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text('time = "t"\nmeasurement = "m"\ntags = ["a"]\n\n[fields]\nv = "int"\n')
    expected = ColumnMapping(time="t", measurement="m", tags=["a"], fields={"v": "int"})
    assert load_mapping(file) == expected
    for text, said in [
        ("tim = 3", "tim is not a key"),
        ("time = 3", "time is 3; give a text"),
        ('fields = ["v:real"]', "real is not a type"),
        ("timezone = 'Nowhere'", "there is no time zone 'Nowhere'"),
        ("=", "is not valid TOML: Invalid statement"),
    ]:
        file.write_text(text)
        with pytest.raises(ImportingError, match=said):
            load_mapping(file)
