from tests.tsmon_agent.web.served_agent import GIB, HOST, ServedAgent, cpu, disk, memory, net
from tsmon.time_units import DAY_NS, SECOND_NS
from tsmon_agent.web.host.chart_data import OWNERS_SHOWN, ChartData, query_chart
from tsmon_agent.web.host.chart_ranges import RANGES, Resolution
from tsmon_agent.web.host.charts import CHARTS

NOW_NS = 20_000 * DAY_NS + 50_000 * SECOND_NS


async def ask(served: ServedAgent, chart: str, range_name: str = "15m", interval_s: float = 10.0) -> ChartData:
    chosen = RANGES[range_name]
    return await query_chart(
        served.context.store,
        CHARTS[chart],
        HOST,
        chosen.resolution(interval_s),
        start_ns=NOW_NS - chosen.length_ns,
        stop_ns=NOW_NS,
    )


def ago(seconds: float) -> int:
    return NOW_NS - round(seconds * SECOND_NS)


async def test_lines_are_fields_and_sums_of_fields(served: ServedAgent) -> None:
    await served.store(cpu(30.0, time=ago(20)), cpu(60.0, time=ago(10)), cpu(99.0, name="cpu0", time=ago(10)))
    data = await ask(served, "cpu")
    values = {series.part: series.values for series in data.series}
    assert values["user"] == [20.0, 40.0]
    assert values["system"] == [10.0, 20.0]
    assert values["guests"] == [0.0, 0.0]


async def test_times_are_within_a_quarter_of_an_interval(served: ServedAgent) -> None:
    times = [ago(31.3), ago(21.2), ago(11.4)]
    await served.store(*(cpu(1.0, time=time_ns) for time_ns in times))
    data = await ask(served, "cpu")
    assert len(data.times) == 3
    assert all(abs(drawn * 1e6 - time_ns) <= 1.25e9 for drawn, time_ns in zip(data.times, times, strict=True))


async def test_a_missing_round_is_a_row_without_values(served: ServedAgent) -> None:
    await served.store(*(memory(used=GIB, time=ago(seconds)) for seconds in (50, 40, 20, 10)))
    data = await ask(served, "memory")
    used = data.series[0].values
    assert used == [GIB, GIB, None, GIB, GIB]
    assert data.times == sorted(data.times)


async def test_long_ranges_are_means_of_windows(served: ServedAgent) -> None:
    start = NOW_NS - NOW_NS % (300 * SECOND_NS) - 600 * SECOND_NS
    await served.store(*(cpu(busy, time=start + i * 100 * SECOND_NS) for i, busy in enumerate((9.0, 18.0, 27.0))))
    data = await ask(served, "cpu", "24h")
    assert [series.values for series in data.series if series.part == "system"] == [[6.0]]
    assert data.times == [(start + 150 * SECOND_NS) / 1e6]


async def test_counters_become_rates(served: ServedAgent) -> None:
    await served.store(*(net("eth0", received=i * 1_000, sent=0, time=ago(50 - 10 * i)) for i in range(5)))
    data = await ask(served, "net")
    assert {series.id: series.values for series in data.series} == {
        "received:eth0": [100.0] * 4,
        "sent:eth0": [0.0] * 4,
    }


async def test_a_window_that_is_partly_empty_yields_no_rate(served: ServedAgent) -> None:
    """The mean of a counter over a part of its window belongs to a time that is not known."""
    every = 300
    first = NOW_NS - NOW_NS % (every * SECOND_NS) - 12 * every * SECOND_NS
    rounds = [second for second in range(0, 12 * every, 10) if not 1_000 <= second < 2_000]
    await served.store(*(net("eth0", received=s * 7, sent=0, time=first + s * SECOND_NS) for s in rounds))
    data = await ask(served, "net", "24h")
    received = [value for value in data.series[0].values if value is not None]
    assert len(received) >= 5
    assert all(abs(value - 7) < 0.001 for value in received), received
    assert None in data.series[0].values


async def test_a_counter_that_restarts_leaves_a_gap_and_no_negative_rate(served: ServedAgent) -> None:
    readings = [1_000, 2_000, 3_000, 10, 1_010]
    await served.store(*(net("eth0", received=r, sent=0, time=ago(50 - 10 * i)) for i, r in enumerate(readings)))
    data = await ask(served, "net")
    assert data.series[0].values == [100.0, 100.0, None, 100.0]


async def test_a_disk_that_was_remounted_is_one_line(served: ServedAgent) -> None:
    await served.store(disk("/", 10.0, time=ago(20)), disk("/", 11.0, time=ago(10), mode="ro"))
    data = await ask(served, "disk")
    assert [(series.owner, series.values) for series in data.series] == [("/", [10.0, 11.0])]


async def test_of_many_owners_the_greatest_are_drawn_and_the_others_counted(served: ServedAgent) -> None:
    await served.store(*(disk(f"/d{i}", float(i), time=ago(10)) for i in range(OWNERS_SHOWN + 3)))
    data = await ask(served, "disk")
    assert data.omitted == 3
    assert [series.owner for series in data.series] == [f"/d{i}" for i in range(3, OWNERS_SHOWN + 3)]


async def test_nothing_stored_is_nothing_drawn(served: ServedAgent) -> None:
    data = await ask(served, "cpu")
    assert (data.times, data.series, data.omitted) == ([], [], 0)


async def test_points_outside_the_range_and_of_other_hosts_are_not_drawn(served: ServedAgent) -> None:
    await served.store(cpu(1.0, time=ago(1_000)), cpu(2.0, time=NOW_NS + SECOND_NS))
    assert (await ask(served, "cpu")).times == []
    data = await query_chart(
        served.context.store,
        CHARTS["cpu"],
        "another",
        Resolution(SECOND_NS, SECOND_NS, windowed=False),
        start_ns=ago(2_000),
        stop_ns=NOW_NS,
    )
    assert data.times == []
