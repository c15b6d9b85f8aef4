import pytest

from tsmon.buffer import Batch
from tsmon.splitting import halves, suspects_apart


def batch(*lines: str) -> Batch:
    return Batch("\n".join(lines).encode(), len(lines))


def test_halves_hold_all_lines_in_order() -> None:
    assert halves(batch("a v=1", "b v=1", "c v=1")) == [batch("a v=1"), batch("b v=1", "c v=1")]


def test_a_newline_within_a_text_does_not_split_a_line() -> None:
    lines = ('a v="1\n2"', 'b v="\\"\n"')
    assert halves(batch(*lines)) == [batch(lines[0]), batch(lines[1])]


@pytest.mark.parametrize("single", [batch("a v=1"), Batch(b"a v=1\nb v=1", 1), Batch(b"\xff v=1\nb v=1", 2)])
def test_what_cannot_be_told_apart_has_no_parts(single: Batch) -> None:
    assert halves(single) == []
    assert suspects_apart(single) == []


def test_suspects_come_after_the_others() -> None:
    found = suspects_apart(batch("bad", "a v=1", "worse v", "b v=1"))
    assert found == [batch("a v=1", "b v=1"), batch("bad", "worse v")]


def test_where_all_or_none_are_suspect_they_are_halved() -> None:
    assert suspects_apart(batch("bad", "worse")) == [batch("bad"), batch("worse")]
    assert suspects_apart(batch("a v=1", "b v=1")) == [batch("a v=1"), batch("b v=1")]
