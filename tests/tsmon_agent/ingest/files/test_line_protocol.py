"""Line protocol comes out as it went in, wherever blocks end; what is not ordinary is told."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tsmon.line_protocol import parse
from tsmon_agent.ingest.files import Chunk, LineProtocol, line_protocol

GOOD = [
    "m v=1 5",
    "m,a=b v=1,w=2i -17",
    'm s="two\nlines" 3',
    'm s="a \\" quote",t="1" 4',
    "m,b=ü v=t 6",
    "m v=1   7",
]
SKIPPED = ["", "# a comment", "   "]
BAD = {"m": "fields are missing", "m v=1": "it has no time", 'm"': "fields are missing"}


def read(text: str | bytes, precision: str = "ns", position: int = 0, line: int = 1) -> list[Chunk]:
    data = text.encode() if isinstance(text, str) else text
    return list(LineProtocol(precision).read_chunks(io.BytesIO(data), position, line))


def lines_in(chunks: list[Chunk]) -> list[str]:
    return [one for chunk in chunks for one in chunk.lines]


def numbered(chunks: list[Chunk]) -> list[tuple[int, str]]:
    return [(chunk.number_of(i), one) for chunk in chunks for i, one in enumerate(chunk.lines)]


@given(st.lists(st.sampled_from([*GOOD, *SKIPPED])), st.sampled_from([3, 7, 40, 1000]), st.booleans())
def test_all_points_come_through_wherever_blocks_end(texts: list[str], block: int, ended: bool) -> None:
    text = "\n".join(texts) + ("\n" if ended else "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_protocol, "BLOCK_BYTES", block)
        chunks = read(text)
    assert not [bad for chunk in chunks for bad in chunk.bad]
    assert list(parse("\n".join(lines_in(chunks)))) == list(parse(text))
    if chunks:
        assert chunks[-1].position == len(text.encode())


@given(st.lists(st.sampled_from([*GOOD[:2], *GOOD[4:], *SKIPPED]), min_size=2), st.data())
def test_reading_goes_on_behind_any_portion(texts: list[str], data: st.DataObject) -> None:
    text = "\n".join(texts) + "\n"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_protocol, "BLOCK_BYTES", 9)
        chunks = read(text)
        cut = data.draw(st.integers(0, len(chunks) - 1))
        rest = read(text, position=chunks[cut].position, line=chunks[cut].line)
    assert numbered(rest) == numbered(chunks[cut + 1 :])


@pytest.mark.parametrize("line", BAD)
@pytest.mark.parametrize("before", [0, 3])
def test_a_bad_line_is_told_by_its_number_and_holds_back_no_other(line: str, before: int) -> None:
    [chunk] = read("\n".join([*["m v=1 1"] * before, line, "m v=2 2", ""]))
    [bad] = chunk.bad
    assert (bad.line, bad.text) == (before + 1, line)
    assert BAD[line] in bad.reason
    assert chunk.lines == [*["m v=1 1"] * before, "m v=2 2"]
    assert chunk.number_of(before) == before + 2


def test_bytes_that_are_no_text_are_rejected() -> None:
    [chunk] = read(b"m,a=\xff v=1 1\nm v=1 2\n")
    assert [bad.line for bad in chunk.bad] == [1]
    assert chunk.lines == ["m v=1 2"]


def test_lines_may_end_with_a_carriage_return() -> None:
    text = 'm v=1 1\r\n\r\nm s="a\r\nb" 2\r\n'
    assert lines_in(read(text)) == ["m v=1 1", 'm s="a\r\nb" 2']


@pytest.mark.parametrize(("precision", "zeros"), [("ns", ""), ("us", "000"), ("ms", "000000"), ("s", "000000000")])
@pytest.mark.parametrize("first", ["m v=1 1", 'm s="at 5\nand 6" 1'])
def test_times_become_nanoseconds(precision: str, zeros: str, first: str) -> None:
    assert lines_in(read(f"{first}\nm v=2 -2\n", precision)) == [
        f"{first}{zeros}",
        f"m v=2 -2{zeros}",
    ]
