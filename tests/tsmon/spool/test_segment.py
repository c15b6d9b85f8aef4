"""The format of segment files: what is written is read, and damage is noticed."""

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.spool.segment import (
    MAGIC,
    CorruptSegmentError,
    SegmentHeader,
    SegmentWriter,
    read_header,
    read_records,
    scan,
)

HEADER = SegmentHeader(url="http://localhost:8086", org="org", bucket="ä b", created_ns=7)


def written(path: Path, *batches: bytes) -> SegmentWriter:
    writer = SegmentWriter(path, HEADER)
    for data in batches:
        writer.append(data, data.count(b"\n") + 1, sync=False)
    writer.close()
    return writer


def read(path: Path) -> list[tuple[bytes, int]]:
    _, first = read_header(path)
    return [(record.data(), record.lines) for record in read_records(path, first)]


@given(batches=st.lists(st.binary(max_size=200), max_size=8))
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, batches: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("segments") / "1.seg"
    writer = written(path, *batches)
    assert read(path) == [(data, data.count(b"\n") + 1) for data in batches]
    header, _, lines, end = scan(path)
    assert header == HEADER
    assert lines == sum(data.count(b"\n") + 1 for data in batches)
    assert end == writer.size == path.stat().st_size


@given(cut=st.integers(min_value=1, max_value=200))
def test_a_torn_tail_is_no_damage(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    path = tmp_path_factory.mktemp("segments") / "1.seg"
    written(path, b"a v=1", b"b v=2\nc v=3", b"d v=4")
    _, first = read_header(path)
    size = path.stat().st_size
    os.truncate(path, max(first, size - cut))
    whole = read(path)
    assert whole == [(b"a v=1", 1), (b"b v=2\nc v=3", 2), (b"d v=4", 1)][: len(whole)]
    assert len(whole) < 3
    assert scan(path)[2] == sum(lines for _, lines in whole)


@given(place=st.integers(min_value=0, max_value=10_000), bit=st.integers(min_value=0, max_value=7))
def test_a_changed_bit_is_never_taken_for_data(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("segments") / "1.seg"
    batches = [b"a v=1", b"b v=2\nc v=3"]
    written(path, *batches)
    damaged = bytearray(path.read_bytes())
    damaged[place % len(damaged)] ^= 1 << bit
    path.write_bytes(damaged)
    try:
        found = read(path)
    except CorruptSegmentError:
        return
    # The length of a record may have become longer than the file: a torn tail, as far as can be seen.
    assert found == [(data, data.count(b"\n") + 1) for data in batches][: len(found)]
    assert len(found) < 2


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not begin as a segment"),
        (b"NOTMAGIC" + bytes(8), "does not begin as a segment"),
        (MAGIC + b"\xff\xff\xff\x7f" + bytes(4), "header of .* is damaged"),
        (MAGIC + b"\x02\x00\x00\x00" + b"\x00\x00\x00\x00" + b"{}", "header of .* is damaged"),
    ],
)
def test_what_is_no_segment_is_said_to_be_none(tmp_path: Path, content: bytes, reason: str) -> None:
    path = tmp_path / "1.seg"
    path.write_bytes(content)
    with pytest.raises(CorruptSegmentError, match=reason):
        scan(path)


def test_a_record_of_impossible_length_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "1.seg"
    written(path)
    _, first = read_header(path)
    with path.open("ab") as file:
        file.write(b"\xff" * 12)
    with pytest.raises(CorruptSegmentError, match="impossible length"):
        list(read_records(path, first))


def test_of_a_record_that_does_not_reach_the_disk_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    path = tmp_path / "1.seg"
    writer = SegmentWriter(path, HEADER)
    writer.append(b"a v=1", 1, sync=True)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fdatasync", broken)
        with pytest.raises(OSError, match="Input/output"):
            writer.append(b"b v=2", 1, sync=True)
    writer.append(b"c v=3", 1, sync=True)
    writer.close()
    assert read(path) == [(b"a v=1", 1), (b"c v=3", 1)]
