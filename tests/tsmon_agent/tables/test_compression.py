"""Files are decompressed by what they are; what cannot be read is one sentence, and what came before is read."""

import gzip
import io
import os
import sys

import pytest

from tests.tsmon_agent.tables.made_archives import COMPRESS, make_zip
from tsmon.errors import ImportingError
from tsmon_agent.tables.compression import decompress, explain_read_errors
from tsmon_agent.tables.headed_stream import HeadedStream
from tsmon_agent.tables.signatures import check_is_text

DATA = b"".join(b"m v=%d %d\n" % (n, n) for n in range(30_000))


def read(data: bytes) -> bytes:
    return io.BufferedReader(decompress("a.csv", io.BytesIO(data))).read()


@pytest.mark.parametrize("kind", COMPRESS)
@pytest.mark.parametrize("data", [DATA, b"a"], ids=["long", "short"])
def test_every_compression_is_recognised_by_content(kind: str, data: bytes) -> None:
    assert read(COMPRESS[kind](data)) == data


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zstd"])
def test_parts_that_were_compressed_one_after_the_other_are_one_file(kind: str) -> None:
    assert read(COMPRESS[kind](DATA) + COMPRESS[kind](b"more\n")) == DATA + b"more\n"


def read_into(found: bytearray, data: bytes) -> None:
    with explain_read_errors("a.csv"):
        stream = decompress("a.csv", io.BytesIO(data))
        stream.head(1 << 20)
        while part := stream.read(1 << 16):
            found += part


@pytest.mark.parametrize("kind", [one for one in COMPRESS if one not in ("plain", "zip", "gzip in zip")])
@pytest.mark.parametrize("kept", [0.02, 0.6])
def test_what_a_torn_file_holds_is_read_before_its_error(kind: str, kept: float) -> None:
    lines = gzip.decompress(gzip.compress(os.urandom(400_000).hex().encode()))
    torn = COMPRESS[kind](lines)
    torn = torn[: int(len(torn) * kept)]
    found = bytearray()
    with pytest.raises(ImportingError, match=r"^a.csv cannot be read to its end: .*start again$"):
        read_into(found, torn)
    assert lines.startswith(found)
    if kept > 0.5 and "bzip2" not in kind:
        assert len(found) > 100_000


@pytest.mark.parametrize("kind", ["gzip", "bzip2", "xz", "zip", "gzip in bzip2"])
def test_damaged_data_are_one_sentence(kind: str) -> None:
    data = bytearray(COMPRESS[kind](os.urandom(100_000).hex().encode()))
    middle = len(data) // 2
    data[middle : middle + 400] = os.urandom(400)
    with pytest.raises(ImportingError, match=r"^a.csv cannot be read to its end: .*start again$"):
        read_into(bytearray(), bytes(data))


TAR = b"a.csv".ljust(257, b"\0") + b"ustar\x0000" + bytes(247)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (make_zip({"a.csv": b"1", "b.csv": b"2"}), "is a zip archive that holds 2 files (a.csv, b.csv); unpack it"),
        (make_zip({}), "is a zip archive that holds no file"),
        (gzip.compress(make_zip({"a": b"1"})), "is a zip archive within another archive"),
        (
            make_zip({"[Content_Types].xml": b"1", "xl/workbook.xml": b"2"}),
            "Office document; save the sheet as CSV",
        ),
        (make_zip({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet"}), "save the sheet as CSV"),
        (make_zip({"a.tar": TAR}), "is a tar archive; unpack it"),
        (gzip.compress(TAR), "is a tar archive; unpack it"),
        (b"7z\xbc\xaf\x27\x1c\0", "is a 7-Zip archive"),
        (b"Rar!\x1a\x07\0", "is a RAR archive"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an Excel workbook"),
        (b"\x89HDF\r\n\x1a\n", "is an HDF5 or netCDF-4 file"),
        (b"CDF\x01\0\0", "is a netCDF file"),
        (b"SQLite format 3\0", "is an SQLite database"),
        (b"ARROW1\0\0", "is an Arrow or Feather file; save it as Parquet"),
        (b"%PDF-1.7\n", "is a PDF document"),
        (b"\x89PNG\r\n\x1a\n\0", "is an image"),
        (b"\x7fELF\x02", "is a program"),
        (b"\x1f\x9d\x90", "decompress it by uncompress"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(b"m")))), "compressed more than 3 times"),
    ],
)
def test_what_is_no_table_is_named_with_the_remedy(data: bytes, said: str) -> None:
    with pytest.raises(ImportingError) as caught:
        read(data)
    assert str(caught.value).startswith("a.csv ")
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "text", ["PAR1,s=a v=1 5\n", "ORC v=1 5\n", "GIF8,t=1 v=1 5\n", "ARROW1 v=1\n", "BZh v=1\n", "BZh1 v=2 1"]
)
def test_names_that_begin_like_other_files_are_text(text: str) -> None:
    assert read(text.encode()) == text.encode()


def test_a_zip_archive_with_a_password_is_one_sentence() -> None:
    data = bytearray(make_zip({"a.csv": b"1"}))
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(ImportingError, match="is a zip archive with a password"):
        read(bytes(data))


@pytest.mark.parametrize("kind", ["zstd", "lz4"])
def test_without_the_extra_it_is_named(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ImportingError, match=rf"compressed by {kind}; pip install 'tsmon\[arrow\]'"):
        read(COMPRESS[kind](b"m v=1 1"))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"<!DOCTYPE html>\n<html>", "is a document in HTML or XML"),
        (b"<?xml version='1.0'?>", "is a document in HTML or XML"),
        (bytes(range(256)) * 4, "is not text but binary data"),
    ],
)
def test_text_is_told_from_other_data(data: bytes, said: str) -> None:
    with pytest.raises(ImportingError, match=said):
        check_is_text("a.csv", data.decode("utf-8", "replace"))
    check_is_text("a.csv", "time,temp\n\x1a")


def test_what_was_looked_at_is_read_again() -> None:
    stream = HeadedStream(io.BytesIO(b"0123456789"))
    assert (stream.head(3), stream.head(20), stream.head(0)) == (b"012", b"0123456789", b"")
    stream.skip(2)
    assert io.BufferedReader(stream, 3).read() == b"23456789"
