"""Tables of streams and deployments are read however they are written, or the doubt is a mistake in its line."""

import gzip
from pathlib import Path

import pytest

from tests.tsmon_agent.tables.made_archives import COMPRESS
from tsmon.errors import ImportingError, InvalidRowsError, StateError
from tsmon_agent.settings import Settings
from tsmon_agent.streams.inventory import parse_deployment_csv, parse_stream_csv
from tsmon_agent.streams.inventory.csv_table import Columns, format_csv, parse_csv
from tsmon_agent.streams.inventory.table_files import read_deployment_table
from tsmon_agent.tables.whole_text import decode_text, read_text

COLUMNS = Columns({"name": (), "rate": (), "end": ()}, required=1, numbers=["rate"], times=["end"])
PLAIN = "name,rate,end\na,0.5,2017-06-30\nb,1.25,\n"
ROWS = [{"name": "a", "rate": "0.5", "end": "2017-06-30"}, {"name": "b", "rate": "1.25", "end": ""}]


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace(",", "|"),
        "name;rate;end\na;0,5;2017-06-30\nb;1,25;\n",
        'name,rate,end\na,"0,5",2017-06-30\nb,"1,25",\n',
        'name,rate,end\n# "a comment\n\na,0.5,2017-06-30\n#b,2,\nb,1.25,\n',
        "name,rate,end\n,Hz,UTC\na,0.5,2017-06-30\nb,1.25,-\n",
        ",name,rate,end\n0,a,0.5,2017-06-30\n1,b,1.25,NULL\n",
        "a,0.5,2017-06-30\nb,1.25,\n",
    ],
)
def test_tables_in_every_dialect(text: str) -> None:
    rows, mistakes = parse_csv(text, COLUMNS)
    assert (mistakes, [values for _, values in rows]) == ([], ROWS)


@pytest.mark.parametrize(
    "cell", ["30.06.2017 09:48", "30/06/17 9:48 AM", "2017-6-30 9:48", "30-Jun-2017 09:48:00", "20170630094800"]
)
def test_dates_of_deployments(cell: str) -> None:
    [row] = parse_deployment_csv(f"refdes;number;start;end\nGP03;1;{cell};NULL\n", source="d.csv")
    assert (row.start_ns, row.end_ns) == (1_498_816_080_000_000_000, None)


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        (
            "name,end\na,06/07/2017\n",
            (2, "month, day, year (mdy); write dates as"),
        ),
        ("name,end\na,\nb,42916.5\n", (3, "the time '42916.5' is no number of s, ms, us or ns since 1970")),
        ("name,end\na,2017063009\n", (2, "may be a date and an hour or seconds since 1970; write dates as")),
        ("name,end (CET)\na,2017-06-30\n", (1, "'end (CET)' says that its times are CET, not UTC; write each")),
        ("name,end (UTC+02:00)\na,2017-06-30\n", (1, "its times are +02:00, not UTC; write each with its offset")),
        ("name;rate\na;x\nb;1,234\n", (3, "'1,234' may be 1234 or 1.234; write numbers with a decimal point")),
        ("a;b,c;d\n", (1, "the cells may be separated by commas or semicolons; put a header above them")),
    ],
)
def test_a_doubt_is_a_mistake(text: str, mistake: tuple[int, str]) -> None:
    [(line, reason)] = parse_csv(text, COLUMNS)[1]
    assert line == mistake[0]
    assert mistake[1] in reason


def test_a_rate_with_a_comma() -> None:
    [row] = parse_stream_csv("GP03;streamed;ctd;0,0011;10m\n", Settings(), source="e.csv")
    assert (row.expected_rate, row.warn_interval_ns) == (0.0011, 600_000_000_000)
    with pytest.raises(InvalidRowsError, match="1,234"):
        parse_stream_csv("GP03;streamed;ctd;1,234;10m\n", Settings(), source="e.csv")


@pytest.mark.parametrize("name", ["#1", "# 1", "-", "NULL"])
def test_what_looks_like_a_mark_comes_back(name: str) -> None:
    rows = [{"name": name, "rate": "", "end": "-"}, {"name": "x", "rate": "NULL", "end": "'-"}]
    found, mistakes = parse_csv(format_csv(COLUMNS, rows), COLUMNS)
    assert (mistakes, [values for _, values in found]) == ([], rows)


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "latin-1"])
def test_files_in_every_compression_and_encoding(tmp_path: Path, kind: str, encoding: str) -> None:
    file = tmp_path / "d.csv"
    file.write_bytes(COMPRESS[kind]("refdes,number,start\nKöln,1,2024-01-01\n".encode(encoding)))
    assert read_deployment_table(file).rows == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PAR1\x15...", "d.csv is a Parquet file; save the table as CSV"),
        (b"PK\x03\x04", "d.csv cannot be read to its end"),
        (COMPRESS["zip"](b"a")[:40], "d.csv cannot be read to its end"),
        (b"\x89PNG\r\n\x1a\n", "d.csv is an image"),
        (b"GP03,1,2024-01-01\nP\xf8,1,2024-01-01\n", "d.csv:2: byte 0xf8 is not UTF-8; save the table as UTF-8"),
        (gzip.compress(b"abc" * 1000)[:20], "d.csv cannot be read to its end"),
    ],
)
def test_what_is_no_table_is_one_sentence(tmp_path: Path, data: bytes, said: str) -> None:
    file = tmp_path / "d.csv"
    file.write_bytes(data)
    with pytest.raises(StateError) as caught:
        read_deployment_table(file)
    assert said in str(caught.value)


def test_a_body_is_not_decompressed() -> None:
    with pytest.raises(ImportingError, match="the table is compressed by gzip; decompress it"):
        decode_text("the table", gzip.compress(b"a"))
    assert decode_text("the table", "Привет".encode("cp1251"), "cp1251") == "Привет"
    assert read_text("a", "ä,\x1a".encode("utf-16")) == "ä,\x1a"
