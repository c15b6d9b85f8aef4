"""Points in a real VictoriaMetrics, which takes InfluxDB's writes, and has no organizations, buckets and Flux."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.services.install_influxd import MissingToolError
from tests.services.install_victoriametrics import install
from tests.services.points import Numbered
from tests.services.required import missing, skip_in_quick_run
from tests.services.victoriametrics import VictoriaMetrics, running_victoriametrics
from tests.tsmon_agent.waiting import eventually
from tsmon import Monitor
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.delivery import Delivery
from tsmon.errors import StoreError
from tsmon.settings import MonitoringSettings
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.query_types import Selector

T = 1_700_000_000_000_000_000


@pytest.fixture(scope="module")
def victoriametrics(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    skip_in_quick_run("VictoriaMetrics")
    try:
        binary = install()
    except MissingToolError as error:
        missing(f"the real VictoriaMetrics is not here: {error}")
    except subprocess.CalledProcessError as error:
        missing(f"the real VictoriaMetrics could not be built ({error}):\n{error.stderr}")
    with running_victoriametrics(binary, tmp_path_factory.mktemp("victoriametrics")) as server:
        yield server


@pytest.mark.parametrize("end", ["", "/", "/api/v2", "/api/v2/write"])
async def test_a_monitor_writes_without_organization_and_token(
    victoriametrics: VictoriaMetrics, tmp_path: Path, end: str
) -> None:
    numbers = {1_000 * len(end) + number for number in range(100)}
    settings = {"url": victoriametrics.url + end, "spool_directory": tmp_path}
    async with Monitor(MonitoringSettings.model_validate(settings)) as monitor:
        monitor.emit(Numbered(n=number) for number in numbers)
        await monitor.flush(20.0)
        assert (monitor.counts.pending, monitor.counts.dropped, monitor.last_error) == (0, 0, None)
    await eventually(lambda: numbers <= set(victoriametrics.values("numbered_n").get("{}", [])))


async def test_the_check_passes_and_a_query_is_refused_in_one_sentence(victoriametrics: VictoriaMetrics) -> None:
    store = InfluxStore(InfluxConnection(url=victoriametrics.url, bucket="b"))
    await store.check()
    async with store:
        with pytest.raises(StoreError, match=r'answered 400: unsupported path requested: "/api/v2/query"'):
            await store.newest(Selector("m", "v", {}))
        with pytest.raises(StoreError, match=r"answered 400: unsupported path requested"):
            await store.setup_changes()


async def test_a_line_that_it_cannot_parse_does_not_hold_back_the_others(victoriametrics: VictoriaMetrics) -> None:
    buffer = Buffer(64_000_000)
    store = InfluxStore(InfluxConnection(url=victoriametrics.url, bucket="b"))
    delivery = Delivery(buffer, store)
    async with store:
        buffer.lines.extend(f"parsed v={n} {T + n * 1_000_000}" if n != 7 else "no line" for n in range(20))
        buffer.seal(wait=True)
        assert await delivery.settle(buffer.sealed)
        await delivery.close()
    counts = buffer.counts(nonfinite_fields=0)
    assert (counts.written, counts.dropped_by) == (19, {"rejected": 1})
    wanted = [n for n in range(20) if n != 7]
    await eventually(lambda: sorted(set(victoriametrics.values("parsed_v").get("{}", []))) == wanted)
