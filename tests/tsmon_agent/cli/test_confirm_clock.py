"""``tsmon-agent confirm-clock``."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.tsmon_agent.shell import Shell, agent
from tsmon.stores.retention_clock import ClockReading
from tsmon.stores.sqlite import SqliteStore
from tsmon.time_units import DAY_NS, HOUR_NS

__all__ = ["agent"]


def test_a_time_is_confirmed_once(agent: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "tsmon.db"
    agent.settings(f"[monitoring]\nfile = '{path}'\n")
    missing = agent("confirm-clock", "--yes")
    assert missing.code == 1
    assert f"{path} does not exist" in missing.err

    async def remove(running_ns: int, wall_ns: int) -> int:
        monkeypatch.setattr(
            "tsmon.stores.sqlite.store.read_clocks", lambda: ClockReading(wall_ns, running_ns, "boot")
        )
        async with SqliteStore(path) as store:
            if not running_ns:
                await store.write(b"m v=1 %d" % (wall_ns - DAY_NS))
            return await store.apply_retention(2 * DAY_NS)

    now_ns = time.time_ns()
    assert asyncio.run(remove(0, now_ns)) == 0
    assert "waits for no confirmation" in agent("confirm-clock", "--yes").out
    assert asyncio.run(remove(HOUR_NS, now_ns + 30 * DAY_NS)) == 0
    assert "confirmed: it is " in agent("confirm-clock", "--yes").out
    assert asyncio.run(remove(2 * HOUR_NS, now_ns + 30 * DAY_NS)) == 1
