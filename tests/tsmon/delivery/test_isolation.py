import pytest

from tsmon.delivery.blocks import Batch
from tsmon.delivery.isolation import split_in_half, split_refused, split_unparseable
from tsmon.errors import TypeConflict


def batch(*lines: str) -> Batch:
    return Batch("\n".join(lines).encode(), len(lines))


def test_halves_hold_all_lines_in_order() -> None:
    assert split_in_half(batch("a v=1", "b v=1", "c v=1")) == [batch("a v=1"), batch("b v=1", "c v=1")]


def test_a_newline_within_a_text_does_not_split_a_line() -> None:
    lines = ('a v="1\n2"', 'b v="\\"\n"')
    assert split_in_half(batch(*lines)) == [batch(lines[0]), batch(lines[1])]


@pytest.mark.parametrize("single", [batch("a v=1"), Batch(b"a v=1\nb v=1", 1), Batch(b"\xff v=1\nb v=1", 2)])
def test_what_cannot_be_told_apart_has_no_parts(single: Batch) -> None:
    assert split_in_half(single) == []
    assert split_unparseable(single) == []


def test_suspects_come_after_the_others() -> None:
    found = split_unparseable(batch("bad", "a v=1", "worse v", "b v=1"))
    assert found == [batch("a v=1", "b v=1"), batch("bad", "worse v")]


def test_where_all_or_none_are_suspect_they_are_halved() -> None:
    assert split_unparseable(batch("bad", "worse")) == [batch("bad"), batch("worse")]
    assert split_unparseable(batch("a v=1", "b v=1")) == [batch("a v=1"), batch("b v=1")]


CONFLICT = TypeConflict("a", "v", float)


def test_of_a_conflict_all_lines_of_that_type_are_meant() -> None:
    found = split_refused(batch("a v=1i", "a v=2", "b v=3", "a w=4", "a,t=x v=5", 'a v="6"'), 1, CONFLICT)
    assert found == [batch("a v=1i", "b v=3", "a w=4", 'a v="6"'), batch("a v=2", "a,t=x v=5")]


def test_otherwise_the_oldest_are_meant() -> None:
    found = split_refused(batch("a v=1 5", "a v=2 1", "a v=3 9", "a v=4 2"), 2)
    assert found == [batch("a v=1 5", "a v=3 9"), batch("a v=2 1", "a v=4 2")]


def test_where_no_line_is_told_apart_they_are_halved() -> None:
    assert split_refused(batch("b v=1", "b v=2"), 1, CONFLICT) == [batch("b v=1"), batch("b v=2")]
    assert split_refused(batch("bad", "a v=2"), 1) == [batch("bad"), batch("a v=2")]
    assert split_refused(batch("a v=2"), 1) == []
