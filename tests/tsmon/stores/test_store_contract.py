"""What every store does."""

import itertools
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.own_store import OwnStore
from tsmon.errors import StoreError, StoreRefusedError
from tsmon.line_protocol.escaping import escape_field_key, escape_measurement, escape_string, escape_tag
from tsmon.settings import MonitoringSettings
from tsmon.stores import Bin, Count, Newest, Selector, Series, Store, Values, WindowedSpan
from tsmon.stores.memory import MemoryStore
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import MINUTE_NS

S = 1_000_000_000
DAY = 86_400 * S
NUMBERS = itertools.count()
T = 1_700_000_000 * S
ALWAYS = {"start_ns": -(10**18), "stop_ns": 4 * 10**18}


async def write(store: Store, *lines: str) -> None:
    await store.write("\n".join(lines).encode())


async def test_a_written_point_is_its_series_newest(store: Store) -> None:
    await write(store, f"cpu,host=a,core=0 load=0.5 {T + 123_456_789}")
    assert await store.newest(Selector("cpu", "load")) == [Newest({"core": "0", "host": "a"}, T + 123_456_789, 0.5)]


async def test_values_keep_their_type(store: Store) -> None:
    await write(store, f'm f=3,i=-9223372036854775808i,u=9223372036854775807u,b=true,n=F,s="3" {T}')
    expected = {"f": 3.0, "i": -(2**63), "u": 2**63 - 1, "b": True, "n": False, "s": "3"}
    for field, value in expected.items():
        [newest] = await store.newest(Selector("m", field))
        assert newest.value == value
        assert type(newest.value) is type(value)


async def test_the_largest_and_smallest_numbers_survive(store: Store) -> None:
    numbers = [1.7976931348623157e308, 5e-324, 0.1, -1 / 3]
    await write(store, *(f"m,n={n} f={number!r} {T}" for n, number in enumerate(numbers)))
    assert [newest.value for newest in await store.newest(Selector("m", "f"))] == numbers


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "plain",
        'quoted "word"',
        "C:\\dir\\",
        "two\nlines",
        "tab\tin it",
        "grüße 🦊",
        "a=1,b=2 3",
        "'",
    ],
)
async def test_strings_come_back_as_they_were(store: Store, text: str) -> None:
    await write(store, f'log,host=a text="{escape_string(text)}",n=1i {T}', f"log,host=b n=2i {T}")
    assert [newest.value for newest in await store.newest(Selector("log", "text"))] == [text]
    assert len(await store.newest(Selector("log", "n"))) == 2


@pytest.mark.parametrize(
    "name", ["a b", "a,b", "a=b", "a\\b", 'a"b', "a'b", "größe", "select", "A", "c1", "${x}", "x]"]
)
async def test_names_and_tags_come_back_as_they_were(store: Store, name: str) -> None:
    line = f"{escape_measurement(name)},{escape_tag(name)}={escape_tag(name)} {escape_field_key(name)}=1 {T}"
    await write(store, line, f"other,other=x other=2 {T}")
    assert await store.newest(Selector(name, name, {name: name})) == [Newest({name: name}, T, 1.0)]


async def test_names_that_differ_in_case_are_different(store: Store) -> None:
    await write(store, f"m,a=x v=1,V=2i {T}", f'M,A=x v="three" {T}', f"m,A=x v=4 {T}", f"m,a=X v=5 {T}")
    assert await store.newest(Selector("m", "V")) == [Newest({"a": "x"}, T, 2)]
    assert await store.newest(Selector("M", "v")) == [Newest({"A": "x"}, T, "three")]
    assert await store.newest(Selector("m", "v", {"A": "x"})) == [Newest({"A": "x"}, T, 4.0)]
    assert await store.newest(Selector("m", "v", {"a": "X"})) == [Newest({"a": "X"}, T, 5.0)]


async def test_a_tag_and_a_field_may_share_a_name(store: Store) -> None:
    await write(store, f"errors,code=404 code=404i {T}")
    assert await store.newest(Selector("errors", "code", {"code": "404"})) == [Newest({"code": "404"}, T, 404)]


async def test_tags_that_contain_separators_of_tags_stay_apart(store: Store) -> None:
    tags = {"A[": ",", "]": "y"}
    pairs = ",".join(f"{escape_tag(key)}={escape_tag(value)}" for key, value in tags.items())
    await write(store, f"m,{pairs} v=1 {T}")
    assert await store.newest(Selector("m", "v", {",": "],["})) == []
    assert await store.newest(Selector("m", "v", tags)) == [Newest(tags, T, 1.0)]


async def test_the_order_of_tags_does_not_make_a_series(store: Store) -> None:
    await write(store, f"m,a=1,b=2 v=1 {T}", f"m,b=2,a=1 v=2 {T + 1}")
    assert await store.newest(Selector("m", "v")) == [Newest({"a": "1", "b": "2"}, T + 1, 2.0)]


async def test_same_series_and_time_merge_and_the_last_write_wins(store: Store) -> None:
    await write(store, f"m,a=1 x=1,y=1 {T}")
    await write(store, f"m,a=1 y=2,z=2 {T}")
    for field, value in {"x": 1.0, "y": 2.0, "z": 2.0}.items():
        assert await store.newest(Selector("m", field)) == [Newest({"a": "1"}, T, value)]
    assert await store.bins(Selector("m", "y"), **ALWAYS, every_ns=S) == [Bin(T, T, T, 1)]


async def test_points_of_one_batch_merge_in_its_order(store: Store) -> None:
    await write(store, f"m v=1,w=1 {T}", f"m v=2 {T}", f"m v=3,x=3 {T}", f"m w=4 {T}")
    assert [p.value for field in "vwx" for p in await store.newest(Selector("m", field))] == [3.0, 4.0, 3.0]


async def test_writing_again_changes_nothing(store: Store) -> None:
    lines = [f"m,a={n % 3} v={n} {T + n}" for n in range(20)]
    await write(store, *lines)
    before = await store.series(Selector("m", "v"), **ALWAYS, every_ns=10)
    await write(store, *lines)
    assert await store.series(Selector("m", "v"), **ALWAYS, every_ns=10) == before


async def test_a_point_of_another_type_is_refused_whole_and_the_others_stored(store: Store) -> None:
    await write(store, f"m v=1i {T}")
    with pytest.raises(StoreRefusedError, match=r"(?s)v.*float.*integer") as caught:
        await write(store, f"m v=2i {T + 1}", f"m v=3.5,other=1 {T + 2}", f"m v=4i {T + 3}")
    assert caught.value.lines == 1
    assert await store.bins(Selector("m", "v"), **ALWAYS, every_ns=S) == [Bin(T, T, T + 3, 3)]
    assert await store.newest(Selector("m", "other")) == []


async def test_a_type_conflict_within_one_batch_is_settled_by_its_order(store: Store) -> None:
    with pytest.raises(StoreRefusedError) as caught:
        await write(store, f"m v=1 {T}", f'm v="2" {T + 1}', f"m v=3 {T + 2}")
    assert caught.value.lines == 1
    assert await store.bins(Selector("m", "v"), **ALWAYS, every_ns=S) == [Bin(T, T, T + 2, 2)]


async def test_blank_lines_and_comments_hold_no_points(store: Store) -> None:
    await write(store, "", f"# m v=1 {T}", f"m v=2 {T}", "")
    assert await store.bins(Selector("m", "v"), **ALWAYS, every_ns=S) == [Bin(T, T, T, 1)]


async def test_what_is_unknown_has_no_points(store: Store) -> None:
    await write(store, f"m,a=1 v=1 {T}")
    for selector in (
        Selector("x", "v"),
        Selector("m", "x"),
        Selector("m", "v", {"a": "2"}),
        Selector("m", "v", {"b": "1"}),
    ):
        assert await store.bins(selector, **ALWAYS, every_ns=S) == []
        assert await store.newest(selector) == []
        assert await store.series(selector, **ALWAYS, every_ns=S) == []


async def test_the_interval_is_half_open(store: Store) -> None:
    await write(store, *(f"m v={n} {T + n}" for n in range(4)))
    inner = {"start_ns": T + 1, "stop_ns": T + 3}
    assert await store.bins(Selector("m", "v"), **inner, every_ns=S) == [Bin(T, T + 1, T + 2, 2)]
    assert await store.series(Selector("m", "v"), **inner, every_ns=S) == [Series({}, [T], [1.5])]


async def test_windows_are_aligned_to_the_epoch_and_empty_ones_left_out(store: Store) -> None:
    every = 7 * S
    first = T // every * every
    times = [first, first + every - 1, first + every, first + 5 * every + 3]
    await write(store, *(f"m v={n} {time}" for n, time in enumerate(times)))
    interval = {"start_ns": first - S, "stop_ns": first + 6 * every - S}
    assert await store.bins(Selector("m", "v"), **interval, every_ns=every) == [
        Bin(first, times[0], times[1], 2),
        Bin(first + every, times[2], times[2], 1),
        Bin(first + 5 * every, times[3], times[3], 1),
    ]
    assert await store.series(Selector("m", "v"), **interval, every_ns=every) == [
        Series({}, [first, first + every, first + 5 * every], [0.5, 2.0, 3.0])
    ]


async def test_times_before_the_epoch_lie_in_their_own_windows(store: Store) -> None:
    times = [-2 * S, -2 * S + 1, -S - 1, -S, -1, 0, 1]
    await write(store, *(f"m v={n} {time}" for n, time in enumerate(times)))
    assert await store.bins(Selector("m", "v"), start_ns=-3 * S, stop_ns=S, every_ns=S) == [
        Bin(-2 * S, -2 * S, -S - 1, 3),
        Bin(-S, -S, -1, 2),
        Bin(0, 0, 1, 2),
    ]
    [series] = await store.series(Selector("m", "v"), start_ns=-3 * S, stop_ns=S, every_ns=S)
    assert (list(series.times_ns), list(series.values)) == ([-2 * S, -S, 0], [1.0, 3.5, 5.5])


async def test_only_points_with_the_field_count(store: Store) -> None:
    await write(store, f"m,a=1 v=1 {T}", f"m,a=1 w=1 {T + 1}", f"m,a=1 v=2 {T + 2}", f"m,a=1 w=1 {T + 3}")
    assert await store.bins(Selector("m", "v"), **ALWAYS, every_ns=S) == [Bin(T, T, T + 2, 2)]
    assert await store.newest(Selector("m", "v")) == [Newest({"a": "1"}, T + 2, 2.0)]


async def test_bins_take_all_selected_series_together(store: Store) -> None:
    await write(
        store,
        f"m,host=a,disk=1 v=1 {T + 5}",
        f"m,host=a,disk=2 v=1 {T + 2}",
        f"m,host=b,disk=1 v=1 {T + 9}",
        f"m,host=a v=1 {T + 7}",
        f"m v=1 {T + 8}",
    )
    assert await store.bins(Selector("m", "v"), **ALWAYS, every_ns=S) == [Bin(T, T + 2, T + 9, 5)]
    assert await store.bins(Selector("m", "v", {"host": "a"}), **ALWAYS, every_ns=S) == [Bin(T, T + 2, T + 7, 3)]
    one = Selector("m", "v", {"disk": "1", "host": "a"})
    assert await store.bins(one, **ALWAYS, every_ns=S) == [Bin(T, T + 5, T + 5, 1)]


async def test_bins_count_points_of_any_type(store: Store) -> None:
    await write(store, f'm s="x",b=true,i=1i,u=1u {T}', f'm s="",b=false,i=0i,u=0u {T + 1}')
    for field in "sbiu":
        assert await store.bins(Selector("m", field), **ALWAYS, every_ns=S) == [Bin(T, T, T + 1, 2)]


async def test_series_come_apart_and_in_order_of_their_tags(store: Store) -> None:
    await write(
        store,
        f"m,b=1 v=1 {T}",
        f"m,a=2 v=2 {T}",
        f"m,a=10 v=3 {T}",
        f"m v=4 {T}",
        f"m,a=10,b=0 v=5 {T}",
    )
    tags = [{}, {"a": "10"}, {"a": "10", "b": "0"}, {"a": "2"}, {"b": "1"}]
    assert [dict(series.tags) for series in await store.series(Selector("m", "v"), **ALWAYS, every_ns=S)] == tags
    assert [dict(newest.tags) for newest in await store.newest(Selector("m", "v"))] == tags


async def test_means_of_integers_are_not_rounded(store: Store) -> None:
    await write(store, f"m i=1i,u=1u {T}", f"m i=2i,u=2u {T + 1}")
    for field in "iu":
        assert await store.series(Selector("m", field), **ALWAYS, every_ns=S) == [Series({}, [T], [1.5])]


@pytest.mark.parametrize("field", ["s", "b"])
async def test_strings_and_booleans_have_no_mean(store: Store, field: str) -> None:
    await write(store, f'm s="x",b=true {T}')
    with pytest.raises(StoreRefusedError):
        await store.series(Selector("m", field), **ALWAYS, every_ns=S)


async def test_closing_twice_is_safe(store: Store) -> None:
    await store.close()
    await store.close()


async def test_all_values_of_a_span_come_exactly_and_in_order(store: Store) -> None:
    await write(
        store,
        f"m,a=y v={2**62 + 1}i,w=true {T + 2}",
        f"m,a=y v=-3i {T}",
        f"m,a=x v=7i {T + 1}",
        f"m,a=x w=false {T + 2}",
        f"m,a=z v=8i {T + 9}",
    )
    assert await store.values(Selector("m", "v"), start_ns=T, stop_ns=T + 9) == [
        Values({"a": "x"}, [T + 1], [7]),
        Values({"a": "y"}, [T, T + 2], [-3, 2**62 + 1]),
    ]
    [flags] = await store.values(Selector("m", "w", {"a": "y"}), **ALWAYS)
    assert flags.values == [True]
    assert await store.values(Selector("m", "nothing"), **ALWAYS) == []


async def test_values_of_a_span_are_counted_by_series(store: Store) -> None:
    await write(
        store,
        f"m,a=y v=1i,w=true {T}",
        f"m,a=y v=2i {T + 1}",
        f"m,a=y v=3i {T + DAY}",
        f"m,a=x v=4i {T + DAY - 1}",
        f"m,a=x w=false {T + 5}",
        f"m,a=z v=5i {T - 1}",
    )
    assert await store.counts(Selector("m", "v"), start_ns=T, stop_ns=T + DAY) == [
        Count({"a": "x"}, 1),
        Count({"a": "y"}, 2),
    ]
    assert await store.counts(Selector("m", "w", {"a": "x"}), **ALWAYS) == [Count({"a": "x"}, 1)]
    assert await store.counts(Selector("m", "v"), start_ns=T + 1, stop_ns=T + 2) == [Count({"a": "y"}, 1)]
    assert await store.counts(Selector("m", "v"), start_ns=T + 2, stop_ns=T + 2) == []
    assert await store.counts(Selector("m", "nothing"), **ALWAYS) == []


YEAR_1800 = -5_364_662_400 * S
FIRST, LAST = -(2**63) + 2, 2**63 - 3
"""The first and last time that a half-open interval of possible times contains."""
AGES = st.integers(YEAR_1800 // S, T // S).map(lambda second: second * S) | st.sampled_from([FIRST, -1, 0, 1, LAST])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    times=st.lists(AGES, min_size=1, max_size=12, unique=True),
    edges=st.tuples(AGES, AGES, AGES),
    every=st.sampled_from([DAY, 365 * DAY, 36_525 * DAY, 10**18, 2**62, 2**63 - 2]),
)
async def test_history_of_any_age_is_counted_and_averaged(
    store: Store, times: list[int], edges: tuple[int, int, int], every: int
) -> None:
    """Ranges that end before the epoch, cross it, or reach the first and last possible times."""
    name = f"m{next(NUMBERS)}"
    selector = Selector(name, "v")
    await write(store, *(f"{name},a={n % 2} v={n} {time_ns}" for n, time_ns in enumerate(times)))
    low, middle, high = sorted(edges)
    for start, stop in ((low, middle), (middle, high), (low, high), (FIRST, 0), (FIRST, LAST + 1)):
        inside = {n: time_ns for n, time_ns in enumerate(times) if start <= time_ns < stop}
        series = [n % 2 for n in inside]
        assert await store.counts(selector, start_ns=start, stop_ns=stop) == [
            Count({"a": str(one)}, series.count(one)) for one in sorted(set(series))
        ]
        windows: dict[int, list[int]] = {}
        for time_ns in sorted(inside.values()):
            windows.setdefault(time_ns // every * every, []).append(time_ns)
        expected = [Bin(at, found[0], found[-1], len(found)) for at, found in windows.items()]
        assert await store.bins(selector, start_ns=start, stop_ns=stop, every_ns=every) == expected
        means = await store.series(selector, start_ns=start, stop_ns=stop, every_ns=every)
        assert {at for one in means for at in one.times_ns} == windows.keys()
        for one in means:
            for at, mean in zip(one.times_ns, one.values, strict=True):
                of_window = [
                    n for n, t in inside.items() if n % 2 == int(one.tags["a"]) and t // every * every == at
                ]
                assert mean == pytest.approx(sum(of_window) / len(of_window))


MINUTES = 40
SPANS = {
    "times": st.lists(st.integers(0, MINUTES * 60), min_size=1, max_size=60, unique=True),
    "start": st.integers(-10, (MINUTES + 1) * 60),
    "length": st.integers(0, (MINUTES + 1) * 60),
}
"""Seconds after T of points, and of the span that is queried."""


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(**SPANS)
async def test_counts_and_bins_of_many_spans_agree_with_values(
    store: Store, times: list[int], start: int, length: int
) -> None:
    measurement = f"m{next(NUMBERS)}"
    await write(store, *(f"{measurement},a={n % 2} v={n} {T + n * S}" for n in times))
    await check_counts_and_bins(store, measurement, start, length)


@given(**SPANS)
async def test_counts_and_bins_agree_with_values_where_whole_minutes_are_rolled_up(
    times: list[int], start: int, length: int
) -> None:
    with tempfile.TemporaryDirectory() as directory:
        async with SqliteStore(
            Path(directory) / "t.db", tiers=(RollupTier(MINUTE_NS), RollupTier(5 * MINUTE_NS))
        ) as store:
            await write(store, *(f"m,a={n % 2} v={n} {T + n * S}" for n in times))
            await store.refresh_rollups()
            await check_counts_and_bins(store, "m", start, length)


async def check_counts_and_bins(store: Store, measurement: str, start: int, length: int) -> None:
    selector = Selector(measurement, "v")
    begin, end = T + start * S, T + (start + length) * S
    values = await store.values(selector, start_ns=begin, stop_ns=end)
    assert await store.counts(selector, start_ns=begin, stop_ns=end) == [
        Count(one.tags, len(one.values)) for one in values
    ]
    spans = [WindowedSpan(begin, end, 60 * S), WindowedSpan(T, end, 7 * S), WindowedSpan(begin, end, 60 * S)]
    several = await store.bins_of_spans(selector, spans)
    singly = [await store.bins(selector, start_ns=low, stop_ns=high, every_ns=every) for low, high, every in spans]
    assert several == singly
    assert sum(one.count for one in several[0]) == sum(len(one.values) for one in values)


TIERS = (RollupTier(MINUTE_NS), RollupTier(5 * MINUTE_NS))
VALUES = [Values({}, [T, T + S], [1.0, 2.0])]


async def test_maintenance_changes_no_value(store: Store) -> None:
    """Stores have rollups or not, need a setup or not: what they are requested to do is the same."""
    await write(store, f"m v=1 {T}")
    async with store.backfill():
        await write(store, f"m v=2 {T + S}")
    await store.change_tiers(TIERS)
    await store.refresh_rollups()
    assert await store.apply_retention(None) == 0
    assert await store.values(Selector("m", "v"), **ALWAYS) == VALUES
    assert all(change.text for change in await store.setup_changes())
    assert (await store.retention("m"))[0].from_ns <= T


async def test_retention_removes_old_points_or_leaves_them_to_the_store_itself(store: Store) -> None:
    await write(store, f"m v=0 {T - DAY}", f"m v=1 {T}", f"m v=2 {T + S}", f"n w=1 {T - DAY}")
    removed = await store.apply_retention(DAY // 2, now_ns=T + S)
    assert removed in (0, 2)
    if removed:
        assert await store.values(Selector("m", "v"), **ALWAYS) == VALUES
        assert await store.newest(Selector("n", "w")) == []
        assert await store.apply_retention(DAY // 2, now_ns=T + S) == 0


async def test_a_reader_has_the_same_points_while_the_store_is_written(store: Store) -> None:
    await write(store, f"m v=1 {T}", f"m v=2 {T + S}")
    reader = store.reader()
    if reader is store:
        assert await reader.values(Selector("m", "v"), **ALWAYS) == VALUES
        return
    async with reader:
        assert await reader.values(Selector("m", "v"), **ALWAYS) == VALUES
        await write(store, f"m v=3 {T + 2 * S}")
        assert len((await reader.values(Selector("m", "v"), **ALWAYS))[0].values) == 3


async def test_rollups_are_rebuilt_or_one_sentence_says_why_not(store: Store) -> None:
    await write(store, f"m v=1 {T}", f"m v=2 {T + S}")
    reason = ""
    try:
        await store.rebuild_rollups()
    except StoreError as error:
        reason = str(error)
    assert re.search(r"(^|keeps no rollups; there is nothing to rebuild|run tsmon-agent setup first)$", reason)
    assert await store.values(Selector("m", "v"), **ALWAYS) == VALUES


async def test_a_store_of_ones_own_needs_only_the_abstract_methods() -> None:
    own = OwnStore()
    assert own.destination is None
    assert own.reader() is own
    assert not own.needs_setup
    assert await own.setup_changes() == ()
    assert await own.apply_retention(1) == 0
    await own.change_tiers(TIERS)
    async with own, own.backfill():
        await own.write(b"m v=1 1")
    assert own.lines == ["m v=1 1"]
    with pytest.raises(StoreError, match="keeps no rollups"):
        await own.rebuild_rollups()
    assert own.back_up(Path("nowhere")).advice.endswith("back them up by the means of that store")
    assert own.stage_restore(Path("nowhere"), replace=True) is None
    assert OwnStore.settings_key(MonitoringSettings()) == ()
    assert not OwnStore.is_named_by(MonitoringSettings(token="t"))
    assert isinstance(OwnStore.from_settings(MonitoringSettings()), OwnStore)


async def test_memory_may_be_bounded_and_then_keeps_what_was_written_last() -> None:
    bounded = MemoryStore(max_values=10)
    for number in range(25):
        await bounded.write(b"m,s=%d v=%d %d" % (number % 3, number, number))
        await bounded.write(b"m,s=%d v=%d %d" % (number % 3, number, number))  # replaces it
    found = await bounded.values(Selector("m", "v"), start_ns=0, stop_ns=100)
    assert sorted(value for one in found for value in one.values) == list(range(15, 25))
    await bounded.apply_retention(1, now_ns=21)
    await bounded.write(b"m,s=0 v=25 25")
    assert len(await bounded.newest(Selector("m", "v"))) == 3
