"""The agent in this process, on the embedded store: its parts together, its self-metrics, its reload."""

import asyncio
import logging
import os
import signal
import socket
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from sqlalchemy import text

from tests.services.influxdb import InfluxDB
from tests.services.points import Numbered, stored
from tests.services.postgresql import PostgreSQL
from tests.tsmon_agent.embedded_rows import read_rows
from tests.tsmon_agent.made_samplers import gauge
from tests.tsmon_agent.waiting import eventually
from tsmon import TsmonError
from tsmon.errors import InvalidRowsError, StateError
from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore
from tsmon_agent import agent as module
from tsmon_agent.agent import Agent
from tsmon_agent.host.samplers import SAMPLERS
from tsmon_agent.settings import Settings, load_settings
from tsmon_agent.state import Database
from tsmon_agent.streams.inventory import query_deployments, query_streams
from tsmon_agent.upkeep import self_metrics, store_upkeep

QUIET = "[web]\nenabled = false\n"


class Home:
    """A directory with settings and the files that they name."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.file = directory / "tsmon.toml"
        self.db = directory / "a.db"

    def write(self, *sections: str) -> None:
        self.file.write_text("\n".join(sections))

    def load(self) -> Settings:
        return load_settings(self.file)

    def monitoring(self, db: str = "a.db", more: str = "") -> str:
        return f'[monitoring]\nfile = "{self.directory / db}"\nflushing_period = 0.05\n{more}\n'

    def numbers(self, *dbs: str) -> list[int]:
        """Numbers of all numbered points in the embedded files, sorted."""
        return sorted(point["n"] for db in dbs for point in read_rows(self.directory / db, "numbered"))


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    for variable in os.environ:
        if variable.startswith("TSMON_"):
            monkeypatch.delenv(variable)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return Home(tmp_path)


@asynccontextmanager
async def running(home: Home) -> AsyncIterator[Agent]:
    """An agent in :meth:`Agent.run`, which is stopped at the end."""
    agent = Agent(home.load(), settings_file=home.file)
    started = asyncio.Event()
    task = asyncio.create_task(agent.run(started.set))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait([task, waiting], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        if not task.done():
            yield agent
    finally:
        agent.request_stop()
        await task


async def hang_up(agent: Agent, caplog: pytest.LogCaptureFixture) -> str:
    """SIGHUP, and what the agent says of it."""
    caplog.clear()
    caplog.set_level(logging.INFO)
    os.kill(os.getpid(), signal.SIGHUP)
    (said,) = await eventually(lambda: [m for m in caplog.messages if m.startswith("the settings were")])
    return said


async def test_self_metrics_agree_with_what_is_stored(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_metrics, "PIPELINE_INTERVAL_S", 0.1)
    rounds = iter([[gauge(1.0), gauge(2.0, time_ns=5)], None])
    monkeypatch.setattr(SAMPLERS["swap"], "sample", lambda _: next(rounds, [gauge()]))
    home.write(
        home.monitoring(more="retention_days = 0"),
        QUIET,
        "[agent]\nhost='h'\ninterval = 0.1\nsamplers = ['cpu', 'mem', 'net', 'swap']",
    )
    async with running(home) as agent:
        await eventually(lambda: all(state.rounds >= 5 for state in agent.context.sampling.health))
    counts = agent.context.monitor.counts
    assert (counts.pending, counts.dropped, counts.refused) == (0, 0, 0)
    assert counts.accepted == counts.written
    reported = read_rows(home.db, "tsmon_sampler")
    for state in agent.context.sampling.health:
        mine = [row for row in reported if row["tags"]["sampler"] == state.name]
        assert len(mine) == state.rounds
        assert mine[-1]["errors"] == state.errors == (1 if state.name == "swap" else 0)
        measurement = "gauge" if state.name == "swap" else state.name
        assert sum(row["points"] for row in mine) == len(read_rows(home.db, measurement))
    pipeline = read_rows(home.db, "tsmon_pipeline")
    assert len(pipeline) >= 4
    for row in pipeline:
        assert row["accepted"] + row["recovered"] == row["written"] + row["pending"] + row["dropped"]
        assert (row["recovered"], row["dropped"], row["refused"]) == (0, 0, 0)
    accepted = [row["accepted"] for row in pipeline]
    assert accepted == sorted(accepted)
    assert accepted[-1] < counts.accepted
    # Each counts the points before it, all of which were stored in the end.
    stored_before = [
        sum(one["time_ns"] < pipeline[-1]["time_ns"] for one in read_rows(home.db, measurement))
        for measurement in ("cpu", "mem", "net", "gauge", "tsmon_sampler", "tsmon_pipeline")
    ]
    assert abs(sum(stored_before) - accepted[-1]) <= 2 * len(agent.context.sampling.health)


async def test_every_sampler_is_seen_soon_after_the_start(home: Home) -> None:
    """Those that need an interval too, although the first one takes an hour."""
    home.write(home.monitoring(), QUIET, "[agent]\ninterval = 3600.0")
    async with running(home) as agent:
        await eventually(
            lambda: set(agent.context.live.newest) == set(SAMPLERS) and "cpu" in agent.context.live.newest
        )
        assert all(not state.failing for state in agent.context.sampling.health)


async def test_an_invalid_point_of_a_sampler_is_reported_although_invalid_points_are_to_be_dropped(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(SAMPLERS["swap"], "sample", lambda _: [gauge(float("nan"))])
    home.write(home.monitoring(more="on_invalid = 'drop'"), QUIET, "[agent]\nsamplers = ['swap']")
    async with running(home) as agent:
        (state,) = await eventually(lambda: [state for state in agent.context.sampling.health if state.rounds])
        assert state.failing


async def test_start_that_fails_leaves_nothing_running(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        home.write(home.monitoring(), f"[web]\nport = {taken.getsockname()[1]}")
        with pytest.raises(TsmonError, match="another program uses this port"):
            await Agent(home.load()).run()
    # The file is free again, and no sampler writes any more.
    async with SqliteStore(home.db) as store:
        assert await store.newest(Selector("mem", "total")) == []


async def test_old_points_are_removed(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_upkeep, "RETENTION_INTERVAL_S", 0.1)
    now_ns = time.time_ns()
    day_ns = 86_400 * 10**9
    home.write(home.monitoring(more="retention_days = 2.0"), QUIET, "[agent]\nsamplers = []")
    async with running(home) as agent:
        for days in range(5):
            agent.context.monitor.emit(Numbered(n=days, time=now_ns - days * day_ns - 60 * 10**9))
        await agent.context.monitor.flush()
        await eventually(lambda: home.numbers("a.db") == [0, 1])


async def test_any_registered_store_will_do(home: Home) -> None:
    """The agent knows no store by its class."""
    home.write('[monitoring]\nstore = "memory"\nretention_days = 1.0', QUIET, "[agent]\nsamplers = ['mem']")
    async with running(home) as agent:
        await eventually(lambda: "mem" in agent.context.live.newest)
        agent.context.monitor.emit(Numbered(n=1, time=1.0))
        agent.context.monitor.emit(Numbered(n=2))
        await agent.context.monitor.flush()
        await agent._upkeep.apply_retention()
        await agent._upkeep.refresh_rollups()
        [newest] = await agent.context.store.newest(Selector("numbered", "n"))
        values = await agent.context.store.values(Selector("numbered", "n"), start_ns=0, stop_ns=2**62)
        assert (newest.value, values[0].values) == (2, [2])
        assert await agent.context.store.newest(Selector("mem", "total"))


@pytest.mark.parametrize("days", ["0", "0.0", "99_999.0", "1e300", "inf"])
async def test_retention_for_ever(home: Home, days: str) -> None:
    home.write(home.monitoring(more=f"retention_days = {days}"), QUIET, "[agent]\nsamplers = []")
    async with running(home) as agent:
        agent.context.monitor.emit(Numbered(n=1, time=1.0))
        await agent.context.monitor.flush()
        await agent._upkeep.apply_retention()
        assert home.numbers("a.db") == [1]


async def test_rollups_are_kept_up_and_follow_the_settings(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def counts(tier: int) -> list[int]:
        connection = sqlite3.connect(home.db)
        try:
            query = "SELECT id FROM measurements WHERE name = 'numbered'"
            for (measurement,) in connection.execute(query).fetchall():
                return [row[0] for row in connection.execute(f"SELECT count FROM m{measurement}_r{tier}")]
            return []
        except sqlite3.OperationalError:
            return []
        finally:
            connection.close()

    monkeypatch.setattr(store_upkeep, "ROLLUP_INTERVAL_S", 0.1)
    home.write(home.monitoring(), QUIET, '[agent]\nsamplers = []\n[rollups]\ntiers = { "1h" = "forever" }')
    async with running(home) as agent:
        for n in range(10):
            agent.context.monitor.emit(
                Numbered(n=n, time=time.time_ns() // 3_600_000_000_000 * 3_600_000_000_000 + n)
            )
        await agent.context.monitor.flush()
        await eventually(lambda: counts(1) == [10])
        tiers = '[rollups]\ntiers = { "1h" = "forever", "1d" = "forever" }'
        home.write(home.monitoring(), QUIET, "[agent]\nsamplers = []", tiers)
        await hang_up(agent, caplog)
        await eventually(lambda: counts(2) == [10])


async def emit_all_the_time(agent: Agent) -> int:
    """Numbered points until cancelled; how many there were."""
    number = 0
    try:
        while True:
            for _ in range(20):
                agent.context.monitor.emit(Numbered(n=number))
                number += 1
            await asyncio.sleep(0.001)
    except asyncio.CancelledError:
        return number


async def test_reload_loses_no_point(
    home: Home, influxdb: InfluxDB, bucket: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Points go on all the time, while store, samplers and intervals change, to a server and back too."""
    server = (
        f'[monitoring]\nurl = "{influxdb.url}"\nbucket = "{bucket}"\ntoken = "{influxdb.token}"\n'
        "flushing_period = 0.05\n"
    )
    home.write(home.monitoring(), QUIET, "[agent]\ninterval = 0.1")
    async with running(home) as agent:
        emitting = asyncio.create_task(emit_all_the_time(agent))
        changes = [
            (home.monitoring("b.db"), "[agent]\ninterval = 0.2"),
            (server, "[agent]\ninterval = 0.2\nsamplers = ['mem']"),
            (home.monitoring("b.db"), "[agent]\ninterval = 0.2"),
            (home.monitoring("b.db", "timeout = 5.0"), "[agent]\nhost = 'other'"),
            (home.monitoring("a.db"), "[agent]\ninterval = 0.1"),
        ]
        for monitoring, agents in changes:
            await asyncio.sleep(0.1)
            home.write(monitoring, QUIET, agents)
            assert (
                await hang_up(agent, caplog) == f"the settings were reloaded; points go into {agent.context.store}"
            )
        emitting.cancel()
        total = await emitting
    counts = agent.context.monitor.counts
    assert (counts.pending, counts.dropped) == (0, 0)
    assert total > 200
    assert stored(influxdb, bucket)
    assert home.numbers("b.db")
    assert sorted([*home.numbers("a.db", "b.db"), *stored(influxdb, bucket)]) == list(range(total))


async def test_points_that_wait_for_the_old_store_go_to_the_new_one(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    for spool in ("on", "off"):
        away = f'[monitoring]\nurl = "http://127.0.0.1:9"\ntoken = "t"\nspool = "{spool}"\n'
        home.write(away, QUIET, "[agent]\nsamplers = []")
        async with running(home) as agent:
            for number in range(100):
                agent.context.monitor.emit(Numbered(n=number))
            await eventually(lambda agent=agent: agent.context.monitor.last_error)
            home.write(home.monitoring(f"{spool}.db"), QUIET, "[agent]\nsamplers = []")
            await hang_up(agent, caplog)
            await agent.context.monitor.flush(20.0)
        assert home.numbers(f"{spool}.db") == list(range(100)), spool


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[agent]\nintervall = 1", "tsmon.toml:2: agent.intervall is not a setting"),
        ("[agent", "tsmon.toml:1: "),
        (
            '[monitoring]\nfile = "/proc/none/tsmon.db"\n[web]\nport = 0\nallowed_hosts = ["a.example"]',
            "/proc/none/tsmon.db",
        ),
    ],
)
async def test_mistake_in_the_new_settings_leaves_everything_as_it_was(
    home: Home, caplog: pytest.LogCaptureFixture, text: str, sentence: str
) -> None:
    home.write(home.monitoring(), "[web]\nport = 0", "[agent]\ninterval = 0.1\nsamplers = ['mem', 'swap']")
    async with running(home) as agent:
        await eventually(lambda: len(agent.context.live.newest) == 2)
        store, address, states = agent.context.store, agent.web_address, agent.context.sampling.health
        home.write(text)
        said = await hang_up(agent, caplog)
        assert said.startswith("the settings were not reloaded, the old ones stay: ")
        assert sentence in said
        assert "Traceback" not in caplog.text
        assert (agent.context.store, agent.context.settings.agent.samplers) == (store, ["mem", "swap"])
        assert [state.name for state in agent.context.sampling.health] == [state.name for state in states]
        assert agent.web_address is not None
        if "monitoring" not in text:
            assert agent.web_address == address
        rounds = [state.rounds for state in states]
        await eventually(
            lambda: all(s.rounds > r + 1 for s, r in zip(agent.context.sampling.health, rounds, strict=True))
        )
        assert await status_of(agent) == 200
        # And the next attempt is as good as the first.
        home.write(home.monitoring("b.db"), QUIET)
        assert (await hang_up(agent, caplog)).endswith("b.db")


async def test_settings_file_that_vanished_leaves_everything_as_it_was(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home.write(home.monitoring(), QUIET)
    async with running(home) as agent:
        home.file.unlink()
        assert "cannot be read" in await hang_up(agent, caplog)
        assert agent.context.settings.monitoring.file == home.db


async def status_of(agent: Agent) -> int:
    async with aiohttp.ClientSession() as client, client.get(f"{agent.web_address}/healthz") as answer:
        return answer.status


async def test_reload_moves_the_pages(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    home.write(home.monitoring(), QUIET)
    async with running(home) as agent:
        assert agent.web_address is None
        home.write(home.monitoring(), f"[web]\nport = {port}")
        await hang_up(agent, caplog)
        assert agent.web_address == f"http://127.0.0.1:{port}"
        assert await status_of(agent) == 200
        home.write(home.monitoring(), f"[web]\nport = {port}\nallowed_hosts = ['here.example']")
        await hang_up(agent, caplog)
        assert await status_of(agent) == 200
        with socket.create_server(("127.0.0.1", 0)) as taken:
            home.write(home.monitoring("b.db"), f"[web]\nport = {taken.getsockname()[1]}")
            assert "another program uses this port" in await hang_up(agent, caplog)
        assert agent.context.settings.monitoring.file == home.db
        assert await status_of(agent) == 200
        home.write(home.monitoring(), QUIET)
        await hang_up(agent, caplog)
        assert agent.web_address is None


async def test_reload_takes_over_samplers_and_keeps_those_that_stay(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    home.write(home.monitoring(), QUIET, "[agent]\ninterval = 3600.0\nsamplers = ['mem', 'swap', 'net']")
    async with running(home) as agent:
        await eventually(lambda: len(agent.context.live.newest) == 3 or state_of(agent, "net"))
        await eventually(lambda: all(state.rounds == 1 for state in agent.context.sampling.health))
        home.write(
            home.monitoring(),
            QUIET,
            "[agent]\ninterval = 3600.0\nsamplers = ['mem', 'net', 'disk']\ninterfaces = ['lo']\n"
            "[agent.intervals]\ndisk = 0.1",
        )
        await hang_up(agent, caplog)
        assert {state.name: state.interval_s for state in agent.context.sampling.health} == {
            "mem": 3600.0,
            "net": 3600.0,
            "disk": 0.1,
        }
        assert "swap" not in agent.context.live.newest
        await eventually(lambda: state_of(agent, "disk") >= 3)
        newest = await eventually(lambda: agent.context.live.newest.get("net"))
        assert [point.interface for point in newest.points] == ["lo"]  # type: ignore[attr-defined]
        assert state_of(agent, "mem") == 1


def state_of(agent: Agent, name: str) -> int:
    """Rounds of a sampler."""
    return next(state.rounds for state in agent.context.sampling.health if state.name == name)


class TestState:
    """The state's database beside the store."""

    async def test_it_is_there_before_the_pages_are(self, home: Home) -> None:
        home.write(home.monitoring(), "[web]\nport = 0")
        async with running(home) as agent:
            assert str(agent.context.state) == str(home.directory / "state.db")
            assert (
                await agent.context.state.run(lambda session: session.scalar(text("SELECT count(*) FROM tokens")))
                == 0
            )
        with pytest.raises(StateError, match="is closed"):
            await agent.context.state.run(lambda _: None)

    async def test_a_newer_schema_ends_the_start(self, home: Home) -> None:
        home.write(home.monitoring(), QUIET)
        with Database(home.directory / "state.db") as database:
            database.run(lambda session: session.execute(text("UPDATE tsmon_state_version SET version_num = '9'")))
        with pytest.raises(StateError, match="has version 9"):
            async with running(home):
                pass

    async def test_a_database_that_is_away_keeps_nobody_from_sampling(
        self, home: Home, caplog: pytest.LogCaptureFixture
    ) -> None:
        away = '[state]\nurl = "postgresql://me:hidden-word@127.0.0.1:1/state"\n'
        home.write(home.monitoring(), QUIET, away)
        async with running(home) as agent:
            agent.context.monitor.emit(Numbered(n=1))
            await agent.context.monitor.flush(10)
        assert home.numbers("a.db") == [1]
        said, *others = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert said.endswith("start it, or correct state.url; it is opened as soon as it is needed")
        unknown = (
            "the freshness of the streams is not known",
            "no point expires, because the expected streams are not",
        )
        assert all(one.startswith(unknown) for one in others)
        assert len({one.startswith(unknown[0]) for one in others}) == len(others), "each is logged once"
        assert "hidden-word" not in caplog.text

    async def test_reload_moves_it(self, home: Home) -> None:
        home.write(home.monitoring(), QUIET)
        async with running(home) as agent:
            before = agent.context.state
            await agent.reload()
            assert agent.context.state is before
            home.write(home.monitoring(), QUIET, f'[state]\nurl = "sqlite:///{home.directory / "other.db"}"\n')
            await agent.reload()
            assert str(agent.context.state) == str(home.directory / "other.db")
            assert await agent.context.state.run(lambda _: "open") == "open"
            with pytest.raises(StateError, match="is closed"):
                await before.run(lambda _: None)

    async def test_a_reload_that_fails_leaves_it(self, home: Home, caplog: pytest.LogCaptureFixture) -> None:
        home.write(home.monitoring(), QUIET)
        (home.directory / "bad.db").write_bytes(b"bad" * 10_000)
        async with running(home) as agent:
            home.write(home.monitoring(), QUIET, f'[state]\nurl = "sqlite:///{home.directory / "bad.db"}"\n')
            await agent.reload()
            assert "bad.db was not made by tsmon: file is not a database; it is left" in caplog.text
            assert await agent.context.state.run(lambda _: "open") == "open"


class TestTables:
    """Tables of streams and deployments that are loaded at the start."""

    def settings(self, home: Home, more: str = "") -> None:
        home.write(home.monitoring(), QUIET, f'[streams]\nexpected = "{home.directory / "e.csv"}"\n{more}')

    async def names(self, agent: Agent) -> list[str]:
        return [one.stream for one in await agent.context.state.run(query_streams)]

    async def test_named_by_the_settings(self, home: Home, caplog: pytest.LogCaptureFixture) -> None:
        (home.directory / "e.csv").write_text("a,b,c\na,b,d\n")
        (home.directory / "d.csv").write_text("a,1,2024-01-01\n")
        self.settings(home, f'deployments = "{home.directory / "d.csv"}"')
        with caplog.at_level(logging.INFO, logger="tsmon"):
            async with running(home) as agent:
                assert await self.names(agent) == ["c", "d"]
                assert len(await agent.context.state.run(query_deployments)) == 1
        assert f"{home.directory / 'e.csv'}: expected streams: 2 added, 0 changed, 0 unchanged" in caplog.text

    async def test_named_in_its_place(self, home: Home) -> None:
        (home.directory / "other.csv").write_text("a,b,other\n")
        self.settings(home)
        agent = Agent(home.load(), settings_file=home.file, expected=home.directory / "other.csv")
        await agent.start()
        try:
            assert await self.names(agent) == ["other"]
            (home.directory / "other.csv").write_text("a,b,second\n")
            await agent.reload()
            assert await self.names(agent) == ["other", "second"]
        finally:
            await agent.stop()

    async def test_a_mistake_ends_the_start(self, home: Home) -> None:
        (home.directory / "e.csv").write_text("a,b,c\na,b\n")
        self.settings(home)
        with pytest.raises(InvalidRowsError, match=r"e\.csv:2: this row has 2 cells"):
            async with running(home):
                pass
        with Database(home.directory / "state.db") as database:
            assert database.run(query_streams) == []

    async def test_a_mistake_in_a_reload_leaves_everything(
        self, home: Home, caplog: pytest.LogCaptureFixture
    ) -> None:
        (home.directory / "e.csv").write_text("a,b,c\n")
        self.settings(home)
        async with running(home) as agent:
            (home.directory / "e.csv").write_text("a,b,d\na\n")
            self.settings(home, "[agent]\ninterval = 77\n")
            await agent.reload()
            assert await self.names(agent) == ["c"]
            assert agent.context.settings.agent.interval != 77
        assert "the settings were not reloaded, the old ones stay" in caplog.text
        assert "e.csv:2: this row has 1 cell" in caplog.text

    async def test_they_wait_for_a_database_that_is_away(
        self, home: Home, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(module, "TABLES_INTERVAL_S", 0.05)
        (home.directory / "e.csv").write_text("a,b,c\n")
        self.settings(home, f'[state]\nurl = "{postgresql.url(postgresql.new_database())}"\n')
        postgresql.stop()
        try:
            agent = Agent(home.load(), settings_file=home.file)
            await agent.start()
        finally:
            postgresql.start()
        try:

            async def loaded() -> list[str]:
                return await self.names(agent)

            deadline = time.monotonic() + 20
            while not await loaded():
                assert time.monotonic() < deadline
                await asyncio.sleep(0.05)
        finally:
            await agent.stop()
