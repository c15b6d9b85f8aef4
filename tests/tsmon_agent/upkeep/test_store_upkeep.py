"""Retention and rollups of the agent's store, whatever store that is."""

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.services.own_store import OwnStore
from tsmon.errors import StateUnavailableError, StoreUnavailableError
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector, Store
from tsmon.stores.memory import MemoryStore
from tsmon.stores.retention_policy import ReportRemoved, RetentionPolicy, ignore_removed
from tsmon.stores.rollup_tiers import DEFAULT_TIERS, RollupTier
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS
from tsmon_agent.settings import RollupSettings, StreamSettings
from tsmon_agent.upkeep import StoreUpkeep


class Recorded(OwnStore):
    """A store that records what upkeep is requested of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[object] = []

    async def apply_retention(
        self,
        keep_ns: int | None,
        *,
        streams_keep_ns: int | None = None,
        now_ns: int | None = None,
        report: ReportRemoved = ignore_removed,
    ) -> int:
        self.calls.append(keep_ns if streams_keep_ns is None else (keep_ns, streams_keep_ns))
        return 0

    async def refresh_rollups(self) -> None:
        self.calls.append("refresh")

    async def change_tiers(self, tiers: Iterable[RollupTier]) -> None:
        self.calls.append(tuple(tiers))


def upkeep_of(store: OwnStore, days: float = 2.0) -> StoreUpkeep:
    return StoreUpkeep(lambda: store, MonitoringSettings(retention_days=days), RollupSettings())


@pytest.mark.parametrize(
    ("days", "keep_ns"),
    [(2.0, 2 * DAY_NS), (0.5, DAY_NS // 2), (0.0, None), (1e-15, 10**9), (1e300, None), (float("inf"), None)],
)
async def test_retention_is_that_of_the_settings(days: float, keep_ns: int | None) -> None:
    store = Recorded()
    await upkeep_of(store, days).apply_retention()
    assert store.calls == [keep_ns]


async def test_tiers_change_only_with_the_settings() -> None:
    store = Recorded()
    upkeep = upkeep_of(store)
    await upkeep.reconfigure(MonitoringSettings(retention_days=1.0), RollupSettings())
    await upkeep.apply_retention()
    assert store.calls == [DAY_NS]
    await upkeep.reconfigure(MonitoringSettings(), RollupSettings(tiers={"1h": "forever"}))
    await upkeep.reconfigure(MonitoringSettings(), RollupSettings(enabled=False))
    await upkeep.reconfigure(MonitoringSettings(), RollupSettings())
    assert store.calls[1:] == [(RollupTier(HOUR_NS),), (), DEFAULT_TIERS]


async def test_the_store_is_the_present_one() -> None:
    stores = [Recorded(), Recorded()]
    upkeep = StoreUpkeep(lambda: stores[-1], MonitoringSettings(), RollupSettings())
    await upkeep.refresh_rollups()
    gone = stores.pop()
    await upkeep.refresh_rollups()
    assert (gone.calls, stores[0].calls) == (["refresh"], ["refresh"])


async def test_a_store_without_retention_and_rollups_is_left_alone() -> None:
    upkeep = upkeep_of(OwnStore())
    await upkeep.apply_retention()
    await upkeep.refresh_rollups()
    await upkeep.reconfigure(MonitoringSettings(), RollupSettings(enabled=False))


async def test_a_failure_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    class Away(OwnStore):
        async def refresh_rollups(self) -> None:
            raise StoreUnavailableError("the server is away; start it")

    with caplog.at_level(logging.WARNING):
        await upkeep_of(Away()).refresh_rollups()
    assert caplog.messages == ["the rollups of the store failed: the server is away; start it"]


NOW = time.time_ns()


def upkeep_with(
    store: Store,
    streams: StreamSettings | None = None,
    find: Callable[[], list[Selector]] = list,
    clock_s: float = 0.0,
) -> StoreUpkeep:
    async def find_streams() -> list[Selector]:
        return find()

    clock = iter([clock_s + 1800 * number for number in range(100)])
    monitoring = MonitoringSettings(retention_days=14)
    return StoreUpkeep(lambda: store, monitoring, RollupSettings(), streams, find_streams, lambda: next(clock))


async def days_of(store: Store) -> dict[str, int]:
    found = await store.counts(Selector("ctd", "v"), start_ns=0, stop_ns=2**63 - 1)
    return {one.tags["site"]: one.count for one in found}


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
async def test_expected_streams_outlive_other_points_unless_the_settings_limit_them(
    tmp_path: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tsmon")
    async with SqliteStore(tmp_path / "tsmon.db") if kind == "sqlite" else MemoryStore() as store:
        await upkeep_with(store, StreamSettings(retention_days=30)).settle()
        lines = [f"ctd,site={site} v=1 {NOW - (day + 1) * DAY_NS + HOUR_NS}" for site in "ab" for day in range(40)]
        await store.write("\n".join(lines).encode())
        upkeep = upkeep_with(
            store, StreamSettings(retention_days=30), lambda: [Selector("ctd", "v", {"site": "a"})]
        )
        await upkeep.apply_retention()
        assert await days_of(store) == {"a": 30, "b": 14}
        [logged] = caplog.messages
        assert logged == f"retention has removed 36 points (ctd 36) from {store}"


async def test_nothing_expires_while_it_is_not_known_which_streams_are_expected(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def unavailable() -> list[Selector]:
        raise StateUnavailableError("the state is away; start its server")

    async with SqliteStore(tmp_path / "tsmon.db") as store:
        upkeep = upkeep_with(store, find=unavailable)
        await upkeep.settle()
        await store.write(f"ctd,site=a v=1 {NOW - 20 * DAY_NS}".encode())
        await upkeep.apply_retention()
        assert await days_of(store) == {"a": 1}
        assert caplog.messages == [
            "no point expires, because the expected streams are not known: the state is away; start its server"
        ]


async def test_a_shorter_retention_is_logged_with_what_it_removes_and_waits(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with SqliteStore(tmp_path / "tsmon.db", tiers=DEFAULT_TIERS) as store:
        lines = [f"ctd,site=a v=1 {NOW - (day + 1) * DAY_NS + HOUR_NS}" for day in range(40)]
        await store.write("\n".join(lines).encode())
        upkeep = upkeep_with(store)
        await upkeep.refresh_rollups()
        for _ in range(3):
            await upkeep.apply_retention()
        [logged] = [message for message in caplog.messages if "retention_days" in message]
        assert "removes 26 rows (ctd 26) from before" in logged
        assert await days_of(store) == {"a": 40}
        await upkeep.reconfigure(MonitoringSettings(retention_days=0), RollupSettings())
        await upkeep.apply_retention()
        assert (await store.settle_retention(RetentionPolicy())).narrowings == ()
        # Confirmed by a person, it is applied in the next round.
        await upkeep.reconfigure(MonitoringSettings(retention_days=20), RollupSettings())
        await upkeep.apply_retention()
        assert await store.confirm_retention(RetentionPolicy(20 * DAY_NS)) == 1
        await upkeep.apply_retention()
        values = await store.values(Selector("ctd", "v"), start_ns=0, stop_ns=2**63 - 1)
        assert [len(one.values) for one in values] == [20]


async def test_what_retention_removes_is_logged_at_once_and_then_every_hour_and_at_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Removing(Recorded):
        async def apply_retention(
            self,
            keep_ns: int | None,
            *,
            streams_keep_ns: int | None = None,
            now_ns: int | None = None,
            report: ReportRemoved = ignore_removed,
        ) -> int:
            report({"cpu": 2, "mem": 1}, {HOUR_NS: 1000})
            return 3

    caplog.set_level(logging.INFO, "tsmon")
    upkeep = upkeep_with(Removing())
    for _ in range(8):
        await upkeep.apply_retention()
    upkeep.stop()
    texts = [one.partition(" from <")[0] for one in caplog.messages]
    assert texts[0] == "retention has removed 3 points (cpu 2, mem 1) and 1,000 rollups (1h 1,000)"
    assert sum(int(one.split()[3]) for one in texts) == 24
    assert 2 < len(texts) < 8
