"""How far rollups reach on a server, at the edges of what it keeps."""

import time

from hypothesis import given
from hypothesis import strategies as st

from tests.services.influxdb import InfluxDB
from tsmon.stores.influxdb import InfluxConnection, InfluxStore
from tsmon.stores.influxdb.rollups import RolledSpan
from tsmon.time_units import DAY_NS, HOUR_NS, MINUTE_NS

NOW = 1_780_000_000_000_000_000


@given(
    st.integers(0, 2 * DAY_NS),
    st.sampled_from([MINUTE_NS, 15 * MINUTE_NS, HOUR_NS, DAY_NS]),
    st.integers(2, 50),
    st.sampled_from([1, 2, 24]),
    st.integers(0, MINUTE_NS),
)
def test_what_a_report_is_told_to_query_is_read_from_the_rollups(
    phase_ns: int, every_ns: int, kept: int, factor: int, passed_ns: int
) -> None:
    """Windows that begin where the store says that they do, a minute later."""
    now_ns = NOW + phase_ns
    width_ns = every_ns * factor
    rolled = RolledSpan("m", every_ns, 0, now_ns // every_ns * every_ns, kept * width_ns)
    from_ns = -(-rolled.whole_from_ns(now_ns) // width_ns) * width_ns
    low_ns, _ = rolled.covered(from_ns, now_ns, width_ns, now_ns + passed_ns)
    assert low_ns == from_ns


async def test_progress_is_known_after_a_server_was_off_for_months(influxdb: InfluxDB, bucket: str) -> None:
    connection = InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    day_ns = time.time_ns() // DAY_NS * DAY_NS - 100 * DAY_NS
    async with InfluxStore(connection) as store:
        note = f"since={day_ns - 900 * DAY_NS}i,until={day_ns}i,keep=0i {day_ns}"
        await store.write(f"tsmon_rollups,every_ns={DAY_NS},rolled=m {note}".encode())
        assert await store.rollups.all() == [RolledSpan("m", DAY_NS, day_ns - 900 * DAY_NS, day_ns)]
