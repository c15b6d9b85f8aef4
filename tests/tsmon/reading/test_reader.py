"""Reading a store by plain calls."""

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pandas
import pytest

from tests.services.points import Numbered
from tsmon import AvailabilityError, Monitor, SettingsError, StoreError, TsmonError
from tsmon.availability import Deployment
from tsmon.reading import Reader
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
from tsmon.stores.memory import MemoryStore

if TYPE_CHECKING:
    from tests.services.influxdb import InfluxDB

S = 1_000_000_000
START_NS = 1_700_000_000 * S
NUMBERS = Selector("numbered", "n")
WINDOW = {"start_ns": START_NS, "stop_ns": START_NS + 3_600 * S}


@pytest.fixture(params=["sqlite", "influxdb"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> MonitoringSettings:
    """Settings of a store with a point a minute for an hour, but for ten minutes."""
    if request.param == "sqlite":
        found = MonitoringSettings(store="sqlite", file=tmp_path / "metrics.db")
    else:
        server: InfluxDB = request.getfixturevalue("influxdb")
        found = MonitoringSettings(
            url=server.url,
            bucket=request.getfixturevalue("bucket"),
            organization=server.org,
            token=server.token,
            spool="off",
        )
    with Monitor(found) as monitor:
        for minute in range(60):
            if not 20 <= minute < 30:
                monitor.emit(Numbered(n=minute, time=START_NS + minute * 60 * S))
        monitor.flush(20)
    return found


def check(reader: Reader) -> None:
    assert [one.value for one in reader.newest(NUMBERS)] == [59]
    assert [len(one.values) for one in reader.values(NUMBERS, **WINDOW)] == [50]
    assert [one.count for one in reader.counts(NUMBERS, **WINDOW)] == [50]
    assert sum(one.count for one in reader.bins(NUMBERS, every_ns=600 * S, **WINDOW)) == 50
    assert [len(one.values) for one in reader.series(NUMBERS, every_ns=600 * S, **WINDOW)] == [7]
    span = {"start_ns": pandas.Timestamp("2023-11-14 22:13:20"), "stop_ns": "2023-11-15T00:13:20+01:00"}
    assert reader.values(NUMBERS, **span) == reader.values(NUMBERS, **WINDOW)
    assert reader.counts(NUMBERS, **span) == reader.counts(NUMBERS, **WINDOW)
    for every in ("10min", timedelta(minutes=10), pandas.Timedelta("10min")):
        assert reader.bins(NUMBERS, every_ns=every, **span) == reader.bins(NUMBERS, every_ns=600 * S, **WINDOW)
        assert reader.series(NUMBERS, every_ns=every, **span) == reader.series(NUMBERS, every_ns=600 * S, **WINDOW)
    with pytest.raises(AvailabilityError, match=r"^stop_ns: 'soon' is not a time; write "):
        reader.values(NUMBERS, start_ns=0, stop_ns="soon")
    with pytest.raises(AvailabilityError, match=r"^every_ns: 'often' is not a duration; write "):
        reader.bins(NUMBERS, every_ns="often", **span)
    for query in (reader.bins, reader.series):
        for width in (0, -600 * S, "0min"):
            with pytest.raises(
                AvailabilityError, match=r"^every_ns: -?\d+ ns is no width of windows; give more than 0$"
            ):
                query(NUMBERS, every_ns=width, **span)
    report = reader.availability(NUMBERS, Deployment(1, START_NS, START_NS + 3_600 * S))
    assert [str(one) for one in report.intervals] == [
        "2023-11-14 22:13:20 to 2023-11-14 22:32:20 Present (20 points)",
        "2023-11-14 22:32:20 to 2023-11-14 22:43:20 Missing (0 points)",
        "2023-11-14 22:43:20 to 2023-11-14 23:13:20 Present (30 points)",
    ]


async def test_it_works_where_an_event_loop_runs_already(settings: MonitoringSettings) -> None:
    reader = Reader(settings)
    check(reader)
    reader.close()
    reader.close()
    check(reader)  # It is opened again.
    reader.close()


def test_several_threads_may_share_it_while_the_store_is_written(settings: MonitoringSettings) -> None:
    with Monitor(settings) as monitor, Reader(settings) as reader, ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(check, reader) for _ in range(16)]:
            done.result()
        monitor.emit(Numbered(n=60, time=START_NS + 3_600 * S))
        monitor.flush(20)
        assert [one.value for one in reader.newest(NUMBERS)] == [60]


def test_what_the_store_raises_is_raised_and_the_next_query_tries_again(tmp_path: Path) -> None:
    settings = MonitoringSettings(store="sqlite", file=tmp_path / "metrics.db")
    with Reader(settings) as reader:
        with pytest.raises(StoreError, match=r"metrics\.db"):
            reader.newest(NUMBERS)
        with Monitor(settings) as monitor:
            monitor.emit(Numbered(n=1))
        assert [one.value for one in reader.newest(NUMBERS)] == [1]


def test_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "tsmon.toml"
    file.write_text(f"[monitoring]\nstore = 'sqlite'\nfile = '{tmp_path / 'metrics.db'}'\n")
    monkeypatch.chdir(tmp_path)
    with Monitor() as monitor:
        monitor.emit(Numbered(n=1))
    for source in (None, file, str(file)):
        with Reader(source) as reader:
            assert [one.value for one in reader.newest(NUMBERS)] == [1]
    store = MemoryStore()
    asyncio.run(store.write(b"numbered n=3i 1"))
    with Reader(store) as reader:
        assert [one.value for one in reader.newest(NUMBERS)] == [3]
    with pytest.raises(
        SettingsError,
        match=r"^a Reader takes the path of a settings file, MonitoringSettings or a store; dict is none of them$",
    ):
        Reader({"file": "metrics.db"})  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match=r'write Reader\(MonitoringSettings\(store="sqlite", file='):
        Reader(tmp_path / "metrics.db")


def test_a_name_in_place_of_a_selector_is_one_sentence() -> None:
    with pytest.raises(
        TsmonError, match=r"^'requests' is no Selector; write Selector\(measurement, field, tags\)$"
    ):
        Reader(MemoryStore()).newest("requests")  # type: ignore[arg-type]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_reads_by_a_connection_of_its_own(settings: MonitoringSettings) -> None:
    with Reader(settings) as reader:
        check(reader)
        child = os.fork()
        if not child:
            try:
                check(reader)
            except BaseException:
                os._exit(1)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        check(reader)


SCRIPT = """
import json, sys
from tsmon.reading import Reader
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
reader = Reader(MonitoringSettings(**json.loads(sys.argv[1])))
print(reader.newest(Selector("numbered", "n"))[0].value)
"""

TOP_LEVEL_AWAIT = """
import json
from tsmon.settings import MonitoringSettings
from tsmon.stores import Selector
from tsmon.stores.factory import store_from
store = store_from(MonitoringSettings(**json.loads({settings!r}))).reader()
await store.open()
print((await store.newest(Selector("numbered", "n")))[0].value)
await store.close()
"""


def test_a_program_that_never_closes_it_ends_without_a_word(settings: MonitoringSettings) -> None:
    command = [sys.executable, "-W", "error", "-c", SCRIPT, settings_json(settings)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "59\n", "")


def test_a_console_with_await_reads_the_store_itself(settings: MonitoringSettings) -> None:
    typed = TOP_LEVEL_AWAIT.format(settings=settings_json(settings))
    command = [sys.executable, "-m", "asyncio"]
    done = subprocess.run(command, input=typed, capture_output=True, text=True, timeout=60, check=False)
    assert "59" in done.stdout.split()
    assert "Error" not in done.stderr


def settings_json(settings: MonitoringSettings) -> str:
    given = {name: getattr(settings, name) for name in settings.model_fields_set}
    given["file"] = str(given["file"]) if "file" in given else None
    if settings.token is not None:
        given["token"] = settings.token.get_secret_value()
    return json.dumps({name: value for name, value in given.items() if value is not None})
