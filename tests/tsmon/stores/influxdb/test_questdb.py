"""Points in a real QuestDB, which takes InfluxDB's writes and refuses a batch whole, naming its first bad line."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.install_influxd import MissingToolError
from tests.services.points import Numbered
from tests.services.questdb import QuestDB, install_questdb, running_questdb
from tests.services.required import missing
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.delivery import Delivery
from tsmon.errors import StoreError
from tsmon.settings import MonitoringSettings
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

T = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def questdb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QuestDB]:
    try:
        jar = install_questdb()
    except MissingToolError as error:
        missing(f"the real QuestDB is not here: {error}")
    except subprocess.CalledProcessError as error:
        missing(f"the real QuestDB could not be fetched ({error}):\n{error.stdout}")
    with running_questdb(jar, tmp_path_factory.mktemp("questdb")) as server:
        yield server


async def test_a_monitor_writes_without_organization_and_token(questdb: QuestDB, tmp_path: Path) -> None:
    settings = {"url": f"{questdb.url}/api/v2/write", "spool_directory": tmp_path}
    async with Monitor(MonitoringSettings.model_validate(settings)) as monitor:
        monitor.emit(Numbered(n=number) for number in range(100))
        await monitor.flush(20.0)
        assert (monitor.counts.pending, monitor.counts.dropped, monitor.last_error) == (0, 0, None)
    await eventually(lambda: questdb.rows("select n from numbered order by n") == [[n] for n in range(100)])


async def test_the_check_passes_and_a_setup_is_refused_in_one_sentence(questdb: QuestDB) -> None:
    store = InfluxStore(InfluxConnection(url=questdb.url, bucket="b"))
    await store.check()
    async with store:
        with pytest.raises(StoreError, match=r"answered 404: Not Found; is it InfluxDB 2\.x"):
            await store.setup_changes()


async def test_lines_with_another_type_do_not_hold_back_the_others(questdb: QuestDB) -> None:
    buffer = Buffer(64_000_000)
    store = InfluxStore(InfluxConnection(url=questdb.url, bucket="b"))
    delivery = Delivery(buffer, store)
    async with store:
        await store.write(b"mixed w=0 %d" % T)
        buffer.lines.extend(
            f'mixed w="x" {T + n * 1_000}' if n % 10 == 3 else f"mixed w={n} {T + n * 1_000}" for n in range(1, 101)
        )
        buffer.seal(wait=True)
        assert await delivery.settle(buffer.sealed)
        await delivery.close()
    counts = buffer.counts(nonfinite_fields=0)
    assert (counts.written, counts.dropped_by) == (90, {"rejected": 10})
    wanted = [[float(n)] for n in range(101) if n % 10 != 3]
    await eventually(lambda: questdb.rows("select w from mixed order by w") == wanted)
