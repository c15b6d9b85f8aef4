"""Whatever is imported when, however long an agent runs: what is kept answers as a store that keeps everything."""

import asyncio
import itertools
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tsmon.stores import Selector, Store
from tsmon.stores.memory import MemoryStore
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite import SqliteStore

TIERS = (
    (RollupTier(10, 60), RollupTier(30, 200), RollupTier(120)),
    (RollupTier(10, 150), RollupTier(120, 500), RollupTier(240)),
    (RollupTier(30), RollupTier(120)),
    (RollupTier(120),),
    (RollupTier(10, 400), RollupTier(360)),
)
"""Windows of a few nanoseconds: edges everywhere."""

STEPS = {"x": 1, "y": 7, "z": 25}
"""Nanoseconds between the points of each series."""

FIELDS = ("a", "b", "c")
BEGINNING, END = -(2**62), 2**62


class StoreWithRetention(RuleBasedStateMachine):
    """A file with tiers and a retention of its points, beside a store that keeps everything."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = pytest.MonkeyPatch()
        self.patches.setattr(sys.modules["tsmon.stores.sqlite.rollups.refresh"], "STEP_MARKS", 5)
        self.patches.setattr("tsmon.stores.sqlite.retention.run.STEP_POINTS", 10)
        self.patches.setattr("tsmon.stores.sqlite.retention.run.STEP_SERIES", 1)
        self.directory = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.now = 1_000
        self.written: dict[tuple[str, str], set[int]] = {}
        self.everything = MemoryStore()
        self.path = Path(self.directory.name) / "tsmon.db"
        self.store = SqliteStore(self.path)

    @initialize(tiers=st.sampled_from(TIERS), keep=st.sampled_from([15, 50, 100, 130]))
    def open(self, tiers: tuple[RollupTier, ...], keep: int) -> None:
        self.tiers, self.keep = tiers, keep
        self.store = SqliteStore(self.path, tiers=tiers)
        self.loop.run_until_complete(self.store.open())

    def write(self, tag: str, fields: str, times: list[int]) -> None:
        """Write one point each, of the fields or, if they are many, only of the first."""
        lines = []
        for time_ns in times:
            names = fields if time_ns % 3 else fields[:1]
            lines.append(f"m,t={tag} {','.join(f'{name}={time_ns % 17}' for name in names)} {time_ns}")
            for name in names:
                self.written.setdefault((tag, name), set()).add(time_ns)
        for store in (self.store, self.everything):
            self.loop.run_until_complete(self.write_in_parts(store, lines))

    @staticmethod
    async def write_in_parts(store: Store, lines: list[str]) -> None:
        for at in range(0, len(lines), 40):
            await store.write("\n".join(lines[at : at + 40]).encode())

    @rule(length=st.integers(1, 150), tags=st.sampled_from(["", "x", "xy", "yz"]), upkeep=st.booleans())
    def run(self, length: int, tags: str, upkeep: bool) -> None:
        """Time passes, and points of the present come."""
        start, self.now = self.now, self.now + length
        for tag in tags:
            if times := [time_ns for time_ns in range(start, self.now) if time_ns % STEPS[tag] == 0]:
                self.write(tag, "ab", times)
        if upkeep:
            self.apply_retention()

    @rule(
        tag=st.sampled_from("xyz"),
        fields=st.sampled_from(["ab", "c"]),
        where=st.sampled_from(["before", "after", "again"]),
        gap=st.sampled_from([0, 0, 5, 100]),
        length=st.integers(1, 300),
        upkeep=st.booleans(),
    )
    def import_history(self, tag: str, fields: str, where: str, gap: int, length: int, upkeep: bool) -> None:
        """History that ends before or begins after what there was, or some of the same once more."""
        known = self.written.get((tag, fields[0])) or {self.now - 200}
        start = {"before": min(known) - gap - length, "after": max(known) + 1 + gap, "again": min(known) + gap}[
            where
        ]
        times = range(start, min(start + length, self.now))
        if where == "again":
            times = [time_ns for time_ns in times if time_ns in known and time_ns % STEPS[tag] == 0]
        if times := [time_ns for time_ns in times if time_ns % STEPS[tag] == 0]:
            # What comes between two removed pieces cannot be distinguished from the same written again.
            removal = self.loop.create_task(self.remove()) if upkeep and where != "before" else None
            self.write(tag, fields, times)
            if removal is not None:
                self.loop.run_until_complete(removal)

    @rule()
    def refresh(self) -> None:
        self.loop.run_until_complete(self.store.refresh_rollups())

    @rule()
    def apply_retention(self) -> None:
        self.loop.run_until_complete(self.remove())

    async def remove(self) -> None:
        await self.store.apply_retention(self.keep, now_ns=self.now)

    @rule()
    def rebuild(self) -> None:
        self.loop.run_until_complete(self.store.rebuild_rollups())

    @rule(more=st.sampled_from(["", "narrow", "wide"]))
    def open_again(self, more: str) -> None:
        """With the same tiers, or one more, which is computed later."""
        self.loop.run_until_complete(self.store.close())
        if more == "narrow" and self.tiers[0].every_ns > 5:
            self.tiers = (RollupTier(5, self.tiers[0].keep_ns), *self.tiers)
        elif more == "wide" and self.tiers[-1].every_ns < 720:
            self.tiers = (*self.tiers, RollupTier(720))
        self.store = SqliteStore(self.path, tiers=self.tiers)
        self.loop.run_until_complete(self.store.open())

    @invariant()
    def nothing_is_missing(self) -> None:
        """Of every point that was ever written the widest rollups know."""
        for tag, field in itertools.product(STEPS, FIELDS):
            found = self.loop.run_until_complete(
                self.store.counts(Selector("m", field, {"t": tag}), start_ns=BEGINNING, stop_ns=END)
            )
            assert sum(one.count for one in found) == len(self.written.get((tag, field), ()))

    @rule(
        tag=st.sampled_from([*STEPS, None]),
        field=st.sampled_from(FIELDS),
        factor=st.sampled_from([1, 2, 3]),
        points_every=st.sampled_from([1, 7, 30, 360]),
        end=st.one_of(st.just(END), st.integers(0, 2_000)),
    )
    def what_is_kept_is_whole(self, tag: str | None, field: str, factor: int, points_every: int, end: int) -> None:
        """In windows of each width that the store names, from the time on that it names."""
        selector = Selector("m", field, {"t": tag} if tag else {})
        for kept in self.loop.run_until_complete(self.store.retention("m", selector.tags)):
            every = kept.every_ns * factor or points_every
            start = max(-(-kept.from_ns // every) * every if kept.every_ns else kept.from_ns, BEGINNING)
            stop = end // every * every if kept.every_ns else end
            answers = [
                self.loop.run_until_complete(store.bins(selector, start_ns=start, stop_ns=stop, every_ns=every))
                for store in (self.store, self.everything)
            ]
            assert answers[0] == answers[1]
            means = [
                self.loop.run_until_complete(store.series(selector, start_ns=start, stop_ns=stop, every_ns=every))
                for store in (self.store, self.everything)
            ]
            assert [(one.tags, list(one.times_ns)) for one in means[0]] == [
                (one.tags, list(one.times_ns)) for one in means[1]
            ]
            for mine, other in zip(*means, strict=True):
                assert list(mine.values) == pytest.approx(list(other.values))
            windows = self.loop.run_until_complete(
                self.store.windows([selector], start_ns=start, stop_ns=stop, every_ns=every)
            )
            if windows is not None and tag:
                assert [list(bins) for _, bins in windows] == [bins for bins in answers[:1] if bins]

    def teardown(self) -> None:
        self.loop.run_until_complete(self.store.close())
        self.loop.close()
        self.directory.cleanup()
        self.patches.undo()


TestStoreWithRetention = StoreWithRetention.TestCase
TestStoreWithRetention.settings = settings(
    max_examples=60, stateful_step_count=20, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate)
)
