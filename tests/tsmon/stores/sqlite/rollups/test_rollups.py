"""Rollups: whatever was written in whichever order, answers are those that the points themselves would give."""

import asyncio
import math
import sqlite3
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from tsmon.stores import Bin, BinColumns, Selector
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS

TIERS = (RollupTier(10), RollupTier(30), RollupTier(120))
"""Windows of a few nanoseconds: many of them, and edges everywhere."""

Points = dict[tuple[str, int], dict[str, float | str]]

times = st.integers(-260, 260)
values = st.one_of(st.floats(-100, 100), st.none())
written = st.lists(
    st.tuples(st.sampled_from("xy"), times, values, st.sampled_from(["", "word"])), min_size=1, max_size=20
)


def lines_of(points: list[tuple[str, int, float | None, str]]) -> bytes:
    lines = []
    for tag, time_ns, value, word in points:
        fields = [f"a={value!r}"] if value is not None else []
        fields += [f'b="{word}"'] if word else []
        lines.append(f"m,t={tag} {','.join(fields) or 'c=1i'} {time_ns}")
    return "\n".join(lines).encode()


def bins_of(points: Points, field: str, start: int, stop: int, every: int, tag: str | None) -> list[Bin]:
    found: dict[int, list[int]] = {}
    for (one, time_ns), fields in points.items():
        if start <= time_ns < stop and field in fields and tag in (None, one):
            found.setdefault(time_ns // every * every, []).append(time_ns)
    return [Bin(number, min(times), max(times), len(times)) for number, times in sorted(found.items())]


def means_of(points: Points, start: int, stop: int, every: int) -> dict[str, list[tuple[int, float]]]:
    found: dict[str, dict[int, list[float]]] = {}
    for (tag, time_ns), fields in points.items():
        value = fields.get("a")
        if start <= time_ns < stop and isinstance(value, float):
            found.setdefault(tag, {}).setdefault(time_ns // every * every, []).append(value)
    return {
        tag: [(number, math.fsum(values) / len(values)) for number, values in sorted(windows.items())]
        for tag, windows in sorted(found.items())
    }


class StoreWithRollups(RuleBasedStateMachine):
    """A file with rollups, beside a dictionary of its points."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.path = Path(self.directory.name) / "tsmon.db"
        self.points: Points = {}
        self.store = SqliteStore(self.path, tiers=TIERS)
        self.loop.run_until_complete(self.store.open())

    @rule(points=written)
    def write(self, points: list[tuple[str, int, float | None, str]]) -> None:
        self.loop.run_until_complete(self.store.write(lines_of(points)))
        for tag, time_ns, value, word in points:
            fields = self.points.setdefault((tag, time_ns), {})
            if value is not None:
                fields["a"] = value
            if word:
                fields["b"] = word
            if value is None and not word:
                fields["c"] = 1

    @rule()
    def refresh(self) -> None:
        self.loop.run_until_complete(self.store.refresh_rollups())

    @rule(tiers=st.sampled_from([TIERS, TIERS[:2], TIERS[1:], (RollupTier(5), *TIERS), ()]))
    def open_with_other_tiers(self, tiers: tuple[RollupTier, ...]) -> None:
        self.loop.run_until_complete(self.store.close())
        self.store = SqliteStore(self.path, tiers=tiers)
        self.loop.run_until_complete(self.store.open())

    @rule(
        field=st.sampled_from("abc"),
        start=times,
        length=st.integers(0, 600),
        every=st.sampled_from([1, 10, 20, 30, 60, 120, 240, 7]),
        tag=st.sampled_from([None, "x", "y"]),
    )
    def bins_are_those_of_the_points(
        self, field: str, start: int, length: int, every: int, tag: str | None
    ) -> None:
        selector = Selector("m", field, {"t": tag} if tag else {})
        answer = self.loop.run_until_complete(
            self.store.bins(selector, start_ns=start, stop_ns=start + length, every_ns=every)
        )
        assert answer == bins_of(self.points, field, start, start + length, every, tag)

    @rule(
        field=st.sampled_from("abc"),
        start=times,
        length=st.integers(0, 600),
        every=st.sampled_from([5, 10, 30, 120, 60]),
        tags=st.sampled_from([("x",), ("y", "x"), ("x", "z", "x")]),
    )
    def windows_of_series_are_those_of_the_points(
        self, field: str, start: int, length: int, every: int, tags: tuple[str, ...]
    ) -> None:
        selectors = [Selector("m", field, {"t": tag}) for tag in tags]
        found = self.loop.run_until_complete(
            self.store.windows(selectors, start_ns=start, stop_ns=start + length, every_ns=every)
        )
        if found is None:
            return  # there are no rollups of this width, or not yet
        expected = {
            tag: bins_of(self.points, field, start, start + length, every, tag) for tag in sorted(set(tags))
        }
        assert [(one["t"], list(bins)) for one, bins in found] == [one for one in expected.items() if one[1]]

    @rule(start=times, length=st.integers(0, 600), every=st.sampled_from([10, 30, 60, 120, 240]))
    def means_are_those_of_the_points(self, start: int, length: int, every: int) -> None:
        answer = self.loop.run_until_complete(
            self.store.series(Selector("m", "a"), start_ns=start, stop_ns=start + length, every_ns=every)
        )
        expected = means_of(self.points, start, start + length, every)
        assert [one.tags["t"] for one in answer] == list(expected)
        for one in answer:
            wanted = expected[one.tags["t"]]
            assert list(one.times_ns) == [time_ns for time_ns, _ in wanted]
            assert list(one.values) == pytest.approx([mean for _, mean in wanted], rel=1e-9, abs=1e-9)

    @invariant()
    def whole(self) -> None:
        bins = self.loop.run_until_complete(
            self.store.bins(Selector("m", "a"), start_ns=-240, stop_ns=240, every_ns=240)
        )
        assert bins == bins_of(self.points, "a", -240, 240, 240, None)

    def teardown(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.directory.cleanup()


TestStoreWithRollups = StoreWithRollups.TestCase
TestStoreWithRollups.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)


async def test_windows_of_many_series_are_columns_where_there_are_rollups_of_their_width(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db", tiers=TIERS) as store:
        await store.write("\n".join(f"m,t={tag} a=1 {n}" for tag in "yxz" for n in range(0, 240, 7)).encode())
        selectors = [Selector("m", "a", {"t": tag}) for tag in "yx"]
        span = {"start_ns": -(2**63), "stop_ns": 2**63 - 1}
        assert await store.windows(selectors, **span, every_ns=30) is None
        await store.refresh_rollups()
        found = await store.windows(selectors, **span, every_ns=30)
        assert found is not None
        assert [tags for tags, _ in found] == [{"t": "x"}, {"t": "y"}]
        for tags, bins in found:
            assert isinstance(bins, BinColumns)
            assert list(bins) == await store.bins(Selector("m", "a", tags), start_ns=0, stop_ns=240, every_ns=30)
        # Now the first window is read in parts: from points, and from narrower rollups.
        await store.write(b"m,t=x a=1 5\nm,t=x a=1 25")
        found = await store.windows(selectors, **span, every_ns=30)
        assert found is not None
        assert list(found[0][1])[:2] == [Bin(0, 0, 28, 7), Bin(30, 35, 56, 4)]
        assert await store.windows(selectors, **span, every_ns=60) is None
        assert await store.windows([Selector("m", "none")], **span, every_ns=30) == []


async def test_a_field_that_is_newer_than_the_rollups_is_found_before_they_are_refreshed(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db", tiers=TIERS) as store:
        await store.write(b"m,t=x a=1 5\nm,t=y a=1 5")
        await store.refresh_rollups()
        await store.write(b"m,t=x new=1 125")
        question = {"start_ns": 0, "stop_ns": 240}
        assert await store.bins(Selector("m", "new"), **question, every_ns=30) == [Bin(120, 125, 125, 1)]
        assert [one.values for one in await store.series(Selector("m", "new"), **question, every_ns=30)] == [[1.0]]
        assert [one.count for one in await store.counts(Selector("m", "new"), **question)] == [1]


def rows(path: Path, query: str) -> list[tuple[int, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tsmon.db"


def every_minute(start_ns: int, stop_ns: int, value: float = 1.0) -> bytes:
    return "\n".join(f"m a={value} {time_ns}" for time_ns in range(start_ns, stop_ns, MINUTE_NS)).encode()


HOURS = (RollupTier(MINUTE_NS, 2 * HOUR_NS), RollupTier(HOUR_NS))


async def test_rollups_outlive_the_points_that_they_were_made_of(path: Path) -> None:
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.write(every_minute(0, 10 * HOUR_NS))
        assert await store.apply_retention(3 * HOUR_NS, now_ns=10 * HOUR_NS) == 7 * 60
        bins = await store.bins(Selector("m", "a"), start_ns=0, stop_ns=10 * HOUR_NS, every_ns=HOUR_NS)
        assert [bin_.count for bin_ in bins] == [60] * 10
        assert bins[3] == Bin(3 * HOUR_NS, 3 * HOUR_NS, 4 * HOUR_NS - MINUTE_NS, 60)
    assert rows(path, "SELECT count(*) FROM m1")[0] == (180,)
    assert rows(path, "SELECT count(*) FROM m1_r1")[0] == (120,)
    assert rows(path, "SELECT count(*) FROM m1_r2")[0] == (10,)


async def test_a_window_that_lost_points_is_frozen(path: Path) -> None:
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.write(every_minute(0, 10 * HOUR_NS))
        await store.apply_retention(3 * HOUR_NS, now_ns=10 * HOUR_NS)
        await store.write(f"m a=5 {HOUR_NS + 1}".encode())
        await store.refresh_rollups()
        await store.apply_retention(3 * HOUR_NS, now_ns=10 * HOUR_NS)
        bins = await store.bins(Selector("m", "a"), start_ns=0, stop_ns=10 * HOUR_NS, every_ns=HOUR_NS)
    assert [bin_.count for bin_ in bins] == [60] * 10


async def test_history_that_comes_in_batches_is_rolled_up_although_points_of_its_age_are_not_kept(
    path: Path,
) -> None:
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.write(every_minute(8 * HOUR_NS, 10 * HOUR_NS))
        await store.apply_retention(2 * HOUR_NS, now_ns=10 * HOUR_NS)
        for start_ns in range(0, 4 * HOUR_NS, 25 * MINUTE_NS):
            await store.write(every_minute(start_ns, min(start_ns + 25 * MINUTE_NS, 4 * HOUR_NS)))
            await store.refresh_rollups()
        await store.apply_retention(2 * HOUR_NS, now_ns=10 * HOUR_NS)
        bins = await store.bins(Selector("m", "a"), start_ns=0, stop_ns=10 * HOUR_NS, every_ns=HOUR_NS)
    assert [(bin_.start_ns // HOUR_NS, bin_.count) for bin_ in bins] == [(n, 60) for n in (0, 1, 2, 3, 8, 9)]


async def test_points_that_no_refresh_has_seen_are_rolled_up_before_they_go(path: Path) -> None:
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.write(every_minute(0, 4 * HOUR_NS))
        await store.apply_retention(1, now_ns=5 * HOUR_NS)
        bins = await store.bins(Selector("m", "a"), start_ns=0, stop_ns=5 * HOUR_NS, every_ns=HOUR_NS)
    assert [bin_.count for bin_ in bins] == [60] * 4
    assert rows(path, "SELECT count(*) FROM m1")[0] == (0,)


async def test_a_series_goes_when_its_last_rollup_does(path: Path) -> None:
    tiers = (RollupTier(MINUTE_NS, HOUR_NS), RollupTier(HOUR_NS, 2 * HOUR_NS))
    async with SqliteStore(path, tiers=tiers) as store:
        await store.write(every_minute(0, HOUR_NS))
        await store.apply_retention(HOUR_NS, now_ns=2 * HOUR_NS)
        assert await store.bins(Selector("m", "a"), start_ns=0, stop_ns=HOUR_NS, every_ns=HOUR_NS)
        await store.apply_retention(HOUR_NS, now_ns=4 * HOUR_NS)
    names = {name for (name,) in rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {"m1", "m1_r1", "m1_r2"} & names
    assert rows(path, "SELECT count(*) FROM series")[0] == (0,)


async def test_a_file_of_the_first_version_is_rolled_up(path: Path) -> None:
    async with SqliteStore(path) as store:
        await store.write(every_minute(0, 3 * HOUR_NS))
    connection = sqlite3.connect(path)
    for table in ("rungs", "marks", "partial", "frontiers", "removed", "streams", "terms"):
        connection.execute(f"DROP TABLE {table}")
    connection.execute("PRAGMA user_version = 1")
    connection.commit()
    connection.close()
    async with SqliteStore(path, read_only=True) as store:
        assert len(await store.bins(Selector("m", "a"), start_ns=0, stop_ns=DAY_NS, every_ns=HOUR_NS)) == 3
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.refresh_rollups()
        assert len(await store.bins(Selector("m", "a"), start_ns=0, stop_ns=DAY_NS, every_ns=HOUR_NS)) == 3
    assert rows(path, "SELECT window, count FROM m1_r2") == [(0, 60), (1, 60), (2, 60)]


async def test_who_writes_without_tiers_of_his_own_marks_for_those_of_the_file(path: Path) -> None:
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.write(every_minute(0, HOUR_NS))
        await store.refresh_rollups()
    async with SqliteStore(path) as store:
        await store.write(f"m a=1 {HOUR_NS - 1}".encode())
        bins = await store.bins(Selector("m", "a"), start_ns=0, stop_ns=HOUR_NS, every_ns=HOUR_NS)
    assert bins == [Bin(0, 0, HOUR_NS - 1, 61)]


async def test_a_reader_beside_the_writer_sees_what_no_refresh_has_seen(path: Path) -> None:
    async with SqliteStore(path, tiers=HOURS) as store, SqliteStore(path, read_only=True) as reader:
        await store.write(every_minute(0, HOUR_NS))
        await store.refresh_rollups()
        await store.write(f"m a=3 {30 * MINUTE_NS + 1}".encode())
        bins = await reader.bins(Selector("m", "a"), start_ns=0, stop_ns=HOUR_NS, every_ns=HOUR_NS)
        assert bins[0].count == 61
        series = await reader.series(Selector("m", "a"), start_ns=0, stop_ns=HOUR_NS, every_ns=HOUR_NS)
        assert series[0].values == pytest.approx([63 / 61])


async def test_more_fields_than_one_statement_takes(path: Path) -> None:
    fields = ",".join(f"f{n}={n}" for n in range(1990))
    async with SqliteStore(path, tiers=HOURS) as store:
        await store.write(f"m {fields} 1\nm f7=9 2".encode())
        await store.refresh_rollups()
        bins = await store.bins(Selector("m", "f1989"), start_ns=0, stop_ns=HOUR_NS, every_ns=HOUR_NS)
        assert bins == [Bin(0, 1, 1, 1)]
        series = await store.series(Selector("m", "f7"), start_ns=0, stop_ns=HOUR_NS, every_ns=HOUR_NS)
        assert list(series[0].values) == [8.0]


@given(
    st.lists(st.integers(-(2**63) + 2, 2**63 - 2), min_size=1, max_size=10, unique=True),
    st.sampled_from([MINUTE_NS, HOUR_NS, DAY_NS]),
)
@settings(max_examples=30, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
async def test_times_at_the_edges_of_what_influxdb_holds(times_ns: list[int], every_ns: int) -> None:
    times_ns = sorted({*times_ns, -(2**63) + 2, 2**63 - 2})
    with tempfile.TemporaryDirectory() as directory:
        async with SqliteStore(Path(directory) / "tsmon.db", tiers=(*HOURS, RollupTier(DAY_NS))) as store:
            await store.write("\n".join(f"m a=1 {time_ns}" for time_ns in times_ns).encode())
            for _ in range(2):
                bins = await store.bins(
                    Selector("m", "a"), start_ns=-(2**63) + 2, stop_ns=2**63 - 1, every_ns=every_ns
                )
                assert [(b.first_ns, b.last_ns, b.count) for b in bins] == [
                    (b.first_ns, b.last_ns, b.count)
                    for b in bins_of({("", t): {"a": 1.0} for t in times_ns}, "a", -(2**63), 2**63, every_ns, None)
                ]
                await store.refresh_rollups()
