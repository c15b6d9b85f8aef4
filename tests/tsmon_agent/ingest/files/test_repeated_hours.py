"""Rows of the night when clocks are put back keep their order on the scale of UTC, in every zone."""

import io
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tsmon_agent.ingest.files import BadRow, ColumnMapping, PlainCsv, complete_mapping
from tsmon_agent.ingest.files.local_times import LocalTime, LocalTimes
from tsmon_agent.ingest.files.repeated_hours import Placed, RowOrder, UndatedLine

S = 1_000_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BACK = datetime(2016, 10, 30, 1, tzinfo=UTC)
"""When clocks were put back in Berlin."""
BERLIN = ZoneInfo("Europe/Berlin")


def to_ns(moment: datetime) -> int:
    return int((moment - EPOCH).total_seconds()) * S


def place(
    rows: Iterable[tuple[str, datetime]], zone: ZoneInfo = BERLIN, max_waiting: int = 1_000_000
) -> dict[int, int | str]:
    """What becomes of each row, by its number: its time in nanoseconds, or why it is rejected."""
    order, clock = RowOrder(max_waiting), LocalTimes(zone, "time")
    found: list[Placed] = []
    for number, (series, moment) in enumerate(rows):
        # An aware time stands for one that was written with its offset.
        try:
            time = to_ns(moment) if moment.tzinfo is not None else clock.to_ns(LocalTime(moment))
            found += order.place(number, "", UndatedLine(f"{series} v=1", series, time))
        except ValueError as error:
            found.append(BadRow(number, str(error), ""))
    found += order.finish()
    placed = {
        one.line if isinstance(one, BadRow) else one[0]: one.reason
        if isinstance(one, BadRow)
        else int(one[1].rpartition(" ")[2])
        for one in found
    }
    assert len(placed) == len(found)
    return dict(sorted(placed.items()))


def wall(moment: datetime, zone: ZoneInfo = BERLIN) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None, fold=0)


def read(moments: Iterable[datetime], zone: ZoneInfo = BERLIN) -> list[datetime | str]:
    """The times of one series that a file has as these wall times; a str where a row is rejected."""
    found = place((("m", wall(moment, zone)) for moment in moments), zone).values()
    return [one if isinstance(one, str) else EPOCH + timedelta(seconds=one // S) for one in found]


def every(minutes: int, start: int = -150, stop: int = 150) -> list[datetime]:
    return [BACK + timedelta(minutes=one) for one in range(start, stop, minutes)]


def changes(zone: ZoneInfo, first: int, last: int) -> Iterator[tuple[datetime, timedelta]]:
    """When and by how much the clock of a zone is changed, in the years from the first to the last."""
    moment, end = datetime(first, 1, 1, tzinfo=UTC), datetime(last + 1, 1, 1, tzinfo=UTC)
    offset = moment.astimezone(zone).utcoffset()
    while moment < end:
        later = moment + timedelta(days=7)
        after = later.astimezone(zone).utcoffset()
        if after != offset:
            low, high = moment, later
            while high - low > timedelta(seconds=1):
                middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
                low, high = (middle, high) if middle.astimezone(zone).utcoffset() == offset else (low, middle)
            assert after is not None
            assert offset is not None
            yield high, after - offset
        moment, offset = later, after


def test_every_change_of_a_decade_in_every_zone() -> None:
    seen: set[tuple[object, ...]] = set()
    back = forward = 0
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for change, by in changes(zone, 2015, 2024):
            key = (change, by, change.astimezone(zone).utcoffset())
            if key in seen:
                continue  # A zone with another name, or another zone with the same change.
            seen.add(key)
            around = abs(by) + timedelta(hours=1)
            minutes = int(around.total_seconds() // 60)
            moments = [change + timedelta(minutes=one) for one in range(-minutes, minutes, 10)]
            assert read(moments, zone) == moments, (name, change)
            assert read(moments[::-1], zone) == moments[::-1], (name, change)
            if by < timedelta():
                back += 1
                once = [one for one in moments if not change <= one < change - by]
                known = read(once, zone)
                assert all(
                    isinstance(text, str) and "occurs twice" in text
                    if change + by <= moment < change
                    else text == moment
                    for moment, text in zip(once, known, strict=True)
                ), (name, change)
            else:
                forward += 1
                first = wall(change, zone) - by
                gap = [first + timedelta(minutes=one) for one in range(0, int(by.total_seconds() // 60), 10)]
                rejected = place([("m", one) for one in gap], zone).values()
                assert all(isinstance(one, str) and "does not exist" in one for one in rejected), (name, change)
    assert back > 100
    assert forward > 100


@pytest.mark.parametrize("minutes", [1, 5, 10, 20])
def test_an_order_decides_wherever_the_file_begins_and_ends(minutes: int) -> None:
    for start in (-150, -120, -90, -60):
        for stop in (30, 60, 120):
            moments = every(minutes, start, stop)
            assert read(moments) == moments
            assert read(moments[::-1]) == moments[::-1]


def test_an_hour_apart_each_hour_has_one_row() -> None:
    for start in (-150, -120, -90, -60):
        moments = every(60, start, 120)
        assert read(moments) == moments
        assert read(moments[::-1]) == moments[::-1]


def test_what_an_order_leaves_open_is_rejected() -> None:
    outage = [one for one in every(10) if not BACK + timedelta(minutes=-30) <= one < BACK + timedelta(minutes=30)]
    known = read(outage)
    assert [isinstance(one, str) for one in known] == [
        abs(moment + timedelta(seconds=1) - BACK) < timedelta(hours=1) for moment in outage
    ]
    assert [isinstance(one, str) for one in read([BACK - timedelta(minutes=30)])] == [True]
    # Two rows, an hour apart or repeated; one of them may be from a file whose times fall.
    assert all(isinstance(one, str) for one in read([BACK, BACK - timedelta(hours=1)]))


def test_rows_out_of_order_decide_nothing() -> None:
    moments = every(10)
    moments[0], moments[1] = moments[1], moments[0]
    assert sum(isinstance(one, str) for one in read(moments)) == 12
    within = every(10)
    index = within.index(BACK + timedelta(minutes=20))
    within[index], within[index + 1] = within[index + 1], within[index]
    assert sum(isinstance(one, str) for one in read(within)) == 12


def test_a_repeated_row_is_no_second_hour() -> None:
    moments = [one for one in every(10) if not BACK <= one < BACK + timedelta(hours=1)]
    doubled = [one for moment in moments for one in (moment, moment)]
    assert sum(isinstance(one, str) for one in read(doubled)) == 12
    both = [one for moment in every(10) for one in (moment, moment)]
    assert read(both) == both


def test_offsets_that_some_rows_have_place_the_others() -> None:
    half = timedelta(minutes=30)
    rows = [("m", BACK - half), ("m", wall(BACK + timedelta(minutes=10))), ("m", BACK + timedelta(hours=2))]
    assert place(rows)[1] == to_ns(BACK + timedelta(minutes=10))
    rows = [("m", BACK - timedelta(hours=3)), ("m", wall(BACK - half)), ("m", BACK - timedelta(minutes=5))]
    assert place(rows)[1] == to_ns(BACK - half)


def stations(moments: Sequence[datetime], names: str) -> list[tuple[str, datetime]]:
    return [(name, moment) for moment in moments for name in names]


def read_all(rows: Sequence[tuple[str, datetime]]) -> list[int | str]:
    return list(place([(series, wall(moment)) for series, moment in rows]).values())


def test_series_are_in_order_each_however_the_file_is_sorted() -> None:
    alternating = stations(every(10), "abc")
    assert read_all(alternating) == [to_ns(one) for _, one in alternating]
    one_after_the_other = sorted(alternating, key=lambda row: row[0])
    assert read_all(one_after_the_other) == [to_ns(one) for _, one in one_after_the_other]
    hourly = stations(every(60), "ab")
    assert read_all(hourly) == [to_ns(one) for _, one in hourly]
    rising_and_falling = [*alternating[::3], *alternating[1::3][::-1]]
    assert read_all(rising_and_falling) == [to_ns(one) for _, one in rising_and_falling]
    late = [("a", one) for one in every(10)]
    late = [row for pair in zip(late, stations(every(10, -190, 110), "b"), strict=True) for row in pair]
    assert read_all(late) == [to_ns(one) for _, one in late]


def test_the_order_of_the_file_decides_about_series_with_few_rows() -> None:
    log = [("abcdefgh"[index % 8], moment) for index, moment in enumerate(every(5))]
    assert read_all(log) == [to_ns(one) for _, one in log]
    assert read_all(log[::-1]) == [to_ns(one) for _, one in log[::-1]]
    # Where one station follows the other, the beginning of the second is no second hour.
    first = [("a", one) for one in every(10, -90, 0)]
    second = [("b", one) for one in every(10, -60, 0)]
    assert sum(isinstance(one, str) for one in read_all([*first, *second])) == 12


def test_changes_of_many_years_in_one_file() -> None:
    moments = [
        change + timedelta(minutes=one)
        for change, by in changes(BERLIN, 2000, 2020)
        if by < timedelta()
        for one in range(-60, 60, 10)
    ]
    assert read(moments) == moments, "rows of repeated hours only"


def test_rows_that_wait_are_bounded() -> None:
    moments = every(1)
    placed = list(place([("m", wall(one)) for one in moments], max_waiting=90).values())
    assert len(placed) == len(moments)
    for one, moment in zip(placed, moments, strict=True):
        assert isinstance(one, str) or one == to_ns(moment)
    assert sum(isinstance(one, str) for one in placed) <= 90


def test_a_row_that_is_not_placed_does_not_decide_whether_times_rise_or_fall() -> None:
    rows = [("a", wall(BACK + timedelta(seconds=1))), ("a", BACK), ("a", wall(BACK - timedelta(seconds=1)))]
    first, second, third = place(rows).values()
    assert second == to_ns(BACK)
    assert isinstance(first, str)
    assert isinstance(third, str)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(-7200, 7200)), min_size=1, max_size=60),
    st.sampled_from(["rising", "falling", "series"]),
    st.randoms(use_true_random=False),
)
def test_a_row_of_an_ordered_file_is_right_or_rejected(
    drawn: list[tuple[str, int]], sorting: str, rng: random.Random
) -> None:
    # A time of a series occurs once in truth.
    rows = [(series, BACK + timedelta(seconds=seconds)) for series, seconds in dict.fromkeys(drawn)]
    rows.sort(key=lambda row: (row[0] if sorting == "series" else "", row[1]), reverse=sorting == "falling")
    # Some of the rows have their offset.
    given_rows = [(series, one if rng.random() < 0.1 else wall(one)) for series, one in rows]
    placed = place(given_rows)
    assert list(placed) == list(range(len(rows)))
    for (series, moment), found in zip(rows, placed.values(), strict=True):
        assert isinstance(found, str) or found == to_ns(moment), (series, moment)


def table(moments: Iterable[datetime]) -> bytes:
    rows = (f"{wall(one)},{number}" for number, one in enumerate(moments))
    return "\n".join(["time,v", *rows]).encode()


def test_a_table_is_read_in_chunks_and_continued_as_if_in_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tsmon_agent.ingest.files.csv_records.CHUNK_LINES", 7)
    moments = every(10)
    data = table(moments)
    mapping = complete_mapping(ColumnMapping(measurement="m", timezone="Europe/Berlin"), io.BytesIO(data))
    chunks = list(PlainCsv(mapping).read_chunks(io.BytesIO(data), 0, 1))
    lines = [line for chunk in chunks for line in chunk.lines]
    assert sorted(lines) == sorted(f"m v={number}.0 {to_ns(one)}" for number, one in enumerate(moments))
    for done, chunk in enumerate(chunks, 1):
        rest = PlainCsv(mapping).read_chunks(io.BytesIO(data), chunk.position, chunk.line)
        assert [line for one in rest for line in one.lines] == [line for one in chunks[done:] for line in one.lines]
    numbers = [chunk.number_of(index) for chunk in chunks for index in range(len(chunk.lines))]
    for line, number in zip(lines, numbers, strict=True):
        assert line.startswith(f"m v={number - 2}.0 ")
