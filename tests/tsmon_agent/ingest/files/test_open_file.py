"""The import of files as people have them: in any compression and encoding, from a pipe, or no data at all."""

import contextlib
import io
import os
import threading
from pathlib import Path

import pytest

from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.shell import Shell, agent
from tests.tsmon_agent.tables.made_archives import COMPRESS
from tsmon_agent.ingest.files import open_file

__all__ = ["agent"]

TABLE = "time,Temp (°C),Station\n2024-01-01,1.5,Zürich\n2024-01-02,2.5,Köln\n"
LINES = "m,Station=Zürich v=1 1704067200000000000\nm,Station=Köln v=2 1704153600000000000\n"
POINTS = (
    "m,Station=Zürich Temp\\ (°C)=1.5 1704067200000000000\nm,Station=Köln Temp\\ (°C)=2.5 1704153600000000000\n"
)
ANNOTATED = (
    "#datatype,string,long,dateTime:RFC3339,double,string,string,string\n"
    "#group,false,false,false,false,true,true,true\n#default,_result,,,,,,\n"
    ",result,table,_time,_value,_field,_measurement,Station\n"
    ",,0,2024-01-01T00:00:00Z,1,v,m,Zürich\n,,0,2024-01-02T00:00:00Z,2,v,m,Köln\n"
)
FILES = {
    "a table": (TABLE, POINTS),
    "lines": (LINES, LINES),
    "annotated": (ANNOTATED, LINES.replace("=1 ", "=1.0 ").replace("=2 ", "=2.0 ")),
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32", "latin-1"]


@pytest.mark.parametrize("text", FILES)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_format_in_every_encoding(agent: Shell, tmp_path: Path, text: str, encoding: str) -> None:
    content, points = FILES[text]
    (tmp_path / "a.csv").write_bytes(
        COMPRESS["bzip2" if encoding == "utf-16" else "plain"](content.encode(encoding))
    )
    ran = agent("import", "--keep", "--dry-run", "-m", "m", "a.csv")
    assert (ran.code, ran.out) == (0, points), ran
    shown = {"utf-16": ", in UTF-16-LE", "latin-1": ", in Windows-1252"}.get(encoding)
    assert shown is None or ran.err.endswith(f"{shown}\n")


@pytest.mark.parametrize("kind", COMPRESS)
def test_every_compression(agent: Shell, tmp_path: Path, kind: str) -> None:
    (tmp_path / "a.csv").write_bytes(COMPRESS[kind](TABLE.encode()))
    assert agent("import", "--keep", "--dry-run", "-m", "m", "a.csv").out == POINTS


def test_a_given_encoding_is_part_of_what_was_imported(agent: Shell, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("time,v,Станция\n2024-01-01,1,Мурманск\n".encode("cp1251"))
    assert (
        "byte 0xd1 is not UTF-8; name the encoding by --encoding"
        in agent("import", "--keep", "-m", "m", "a.csv").mistake
    )
    assert "1 rows imported" in agent("import", "--keep", "-m", "m", "a.csv", "--encoding", "koi8-r").out
    assert "1 rows imported" in agent("import", "--keep", "-m", "m", "a.csv", "--encoding", "windows-1251").out
    again = agent("import", "--keep", "-m", "m", "a.csv", "--encoding", "cp1251")
    assert "was imported before" in again.out, "another name of the same encoding"
    rows = read_rows(tmp_path / "data" / "tsmon" / "tsmon.db", "m")
    assert {"Станция": "Мурманск"} in [row["tags"] for row in rows]


@pytest.mark.parametrize("content", [TABLE, LINES], ids=["a table", "lines"])
def test_a_pipe_is_read_from_its_beginning(agent: Shell, tmp_path: Path, content: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_bytes, args=(content.encode(),))
    writer.start()
    ran = agent("import", "--keep", "-m", "m", "pipe")
    writer.join()
    assert ran.out == f"pipe: 2 {'rows' if content == TABLE else 'points'} imported\n"


def test_standard_input_may_be_compressed_and_its_columns_are_recognised(
    monkeypatch: pytest.MonkeyPatch, agent: Shell
) -> None:
    assert agent("import", "--keep", "-m", "m", "-", "--format", "csv", "--dry-run", typed=TABLE).out == POINTS
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(COMPRESS["xz"](LINES.encode()))))
    with open_file(Path("-")) as opened:
        assert opened.stream.read().decode() == LINES


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0", "a.csv is an image; name a file of data"),
        (COMPRESS["zip"](b"PAR1\x15abc"), "a.csv is Parquet within an archive or a pipe"),
        (bytes(range(256)) * 50, "a.csv is not text but binary data of an unknown kind"),
        (COMPRESS["gzip"](os.urandom(5000))[:2000], "a.csv cannot be read to its end: it is cut off"),
        (b"", "a.csv: the file is empty"),
    ],
)
def test_what_holds_no_data_is_one_sentence(agent: Shell, tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(data)
    assert said in agent("import", "--keep", "-m", "m", "a.csv").mistake


def test_an_encoding_that_does_not_exist(agent: Shell) -> None:
    assert "there is no encoding 'utf-9'" in agent("import", "--keep", "a.csv", "--encoding", "utf-9").mistake


def test_nothing_unprintable_reaches_the_terminal(agent: Shell, tmp_path: Path) -> None:
    name = "a\x1b[31m\udcff.csv"
    row = "2024-01-01,\x1b]0;title\x07,\u202eevil\n"
    data = f"time,v,s\n2024-01-01,1,a\n{row}".encode() + b"2024-01-02,\x9b31m\xff,b\n"
    with contextlib.suppress(OSError):
        (tmp_path / name).write_bytes(data)
    for arguments in (["--dry-run"], []):
        ran = agent("import", "--keep", "-m", "m", "--field", "v", name, *arguments)
        shown = ran.out + ran.err
        assert "rejected" in shown
        assert all(one.isprintable() or one == "\n" for one in shown), shown
        shown.encode()
