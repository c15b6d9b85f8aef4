import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.services.influxdb import InfluxDB
from tsmon.stores.influxdb.queries import quote


@pytest.mark.parametrize(
    ("text", "literal"),
    [("a", '"a"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("${x}", '"\\x24{x}"'), ("{y}", '"{y}"')],
)
def test_texts_are_quoted_as_flux_reads_them(text: str, literal: str) -> None:
    assert quote(text) == literal


@settings(max_examples=30)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\0"), max_size=40))
@example('"; from(bucket: "other") //')
@example("${1 + 1} $${} \\${x}")
@example("\n\t\\n\\")
def test_no_text_can_break_out_of_its_quotes(influxdb: InfluxDB, text: str) -> None:
    [row] = influxdb.flux(
        f'import "array" import "strings" t = {quote(text)} '
        "array.from(rows: [{same: t == t, length: strings.strlen(v: t), text: t}])"
    )
    assert row["length"] == len(text)
