"""Retention and rollups of the agent's store, whatever store that is."""

import logging
from collections.abc import Iterable

import pytest

from tests.services.own_store import OwnStore
from tsmon.errors import StoreUnavailableError
from tsmon.settings import MonitoringSettings
from tsmon.stores.rollup_tiers import DEFAULT_TIERS, RollupTier
from tsmon.time_units import DAY_NS, HOUR_NS
from tsmon_agent.settings import RollupSettings
from tsmon_agent.upkeep import StoreUpkeep


class Recorded(OwnStore):
    """A store that records what upkeep is requested of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[object] = []

    async def apply_retention(self, keep_ns: int | None, *, now_ns: int | None = None) -> int:
        self.calls.append(keep_ns)
        return 0

    async def refresh_rollups(self) -> None:
        self.calls.append("refresh")

    async def change_tiers(self, tiers: Iterable[RollupTier]) -> None:
        self.calls.append(tuple(tiers))


def upkeep_of(store: OwnStore, days: float = 2.0) -> StoreUpkeep:
    return StoreUpkeep(lambda: store, MonitoringSettings(retention_days=days), RollupSettings())


@pytest.mark.parametrize(
    ("days", "keep_ns"), [(2.0, 2 * DAY_NS), (0.5, DAY_NS // 2), (0.0, None), (1e300, None), (float("inf"), None)]
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
