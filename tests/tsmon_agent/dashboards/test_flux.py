"""Numbers of the queries, against figures whose rates are known."""

from collections.abc import Callable, Iterable
from typing import Final

import pytest

from tests.grafana.interpolation import Range, fill_in
from tests.services.influxdb import InfluxDB
from tsmon.line_protocol import encode
from tsmon.points import Point, Request, RequestError
from tsmon.points.host import Network, System
from tsmon_agent.dashboards.events import Part, per_second, ratio, ratio_in_range
from tsmon_agent.dashboards.flux import equals, largest, means, newest_ratio, rates, read

START_S: Final = 1_750_000_020
SECOND: Final = 1_000_000_000
EVERYTHING: Final = {"service": "=~ /^.*$/"}
ON_H: Final = {"host": equals("h")}

Write = Callable[[Iterable[Point]], None]
Ask = Callable[[str, Range], list[dict[str, object]]]


@pytest.fixture
def write(influxdb: InfluxDB, bucket: str) -> Write:
    def written(points: Iterable[Point]) -> None:
        answer = influxdb.write(b"\n".join(map(encode, points)), bucket)
        assert answer.status == 204, answer.text

    return written


@pytest.fixture
def ask(influxdb: InfluxDB, bucket: str) -> Ask:
    def asked(query: str, span: Range) -> list[dict[str, object]]:
        return influxdb.flux(fill_in(query, [], {}, span, bucket=bucket, organization=influxdb.org))

    return asked


def span(start_s: float, stop_s: float, window: str) -> Range:
    return Range(int((START_S + start_s) * SECOND), int((START_S + stop_s) * SECOND), window)


def net(second: float, received: int) -> Network:
    counts = {"packets_sent": 0, "packets_recv": 0, "err_in": 0, "err_out": 0, "drop_in": 0, "drop_out": 0}
    time_ns = int((START_S + second) * SECOND)
    return Network(host="h", interface="eth0", bytes_sent=0, bytes_recv=received, **counts, time=time_ns)


def load(second: float, value: float) -> System:
    time_ns = int((START_S + second) * SECOND)
    return System(host="h", load1=value, load5=value, load15=value, n_cpus=4, uptime=1, time=time_ns)


@pytest.mark.parametrize("window", ["10s", "15s", "20s", "25s", "40s"])
def test_a_steady_counter_has_a_steady_rate_whatever_the_windows(window: str, ask: Ask, write: Write) -> None:
    """Also in the last window, of which only a part is over."""
    write(net(second, 1000 * second) for second in range(3, 200, 10))
    found = ask(rates(read(Network, "bytes_recv", where=ON_H)), span(0, 194, window))
    values = [row["_value"] for row in found if row["_value"] is not None]
    assert len(values) >= 4
    assert values == pytest.approx([1000.0] * len(values))
    assert found[-1]["_value"] is not None


def test_a_rate_is_null_where_nothing_was_measured_and_where_the_counter_began_anew(ask: Ask, write: Write) -> None:
    write([net(5, 0), net(15, 50), net(55, 250), net(65, 10), net(75, 60)])
    found = ask(rates(read(Network, "bytes_recv", where=ON_H)), span(0, 80, "10s"))
    assert [row["_value"] for row in found] == [None, 5.0, None, None, None, 5.0, None, 5.0]


def test_a_mean_is_null_where_nothing_was_measured(ask: Ask, write: Write) -> None:
    write([load(1, 1.0), load(9, 3.0), load(31, 5.0)])
    found = ask(means(read(System, "load1", where=ON_H)), span(0, 40, "10s"))
    assert [row["_value"] for row in found] == [2.0, None, None, 5.0]


def test_the_newest_of_two_fields_are_divided(ask: Ask, write: Write) -> None:
    write([load(1, 1.0), load(9, 3.0)])
    [row] = ask(newest_ratio(System, "load1", "n_cpus", where=ON_H, by="host"), span(0, 40, "10s"))
    assert (row["host"], row["_value"]) == ("h", 0.75)


def test_the_largest_is_told_with_its_time(ask: Ask, write: Write) -> None:
    write([load(1, 1.0), load(9, 3.0)])
    [row] = ask(largest(read(System, "load1", "load5", where=ON_H), System, by="host"), span(0, 40, "10s"))
    assert row["_value"] == 3.0
    assert row["_time"].timestamp() == START_S + 9  # type: ignore[attr-defined]


def requests(times: Iterable[float], *, status: int = 200, took: float = 1.0) -> list[Request]:
    return [
        Request(
            service="s",
            route="GET:/a",
            status_code=status,
            request_id=str(second),
            execution_time=took,
            time=int((START_S + second) * SECOND),
        )
        for second in times
    ]


def counted(point: type[Point], name: str) -> Part:
    return Part(name, read(point, "request_id", where=EVERYTHING), "count")


def test_requests_per_second_are_counted_in_whole_windows(ask: Ask, write: Write) -> None:
    """Two series of a route are one; nothing counted is zero; the window that is not over is left out."""
    write(requests([1, 2, 3, 21, 31]) + requests([4], status=500))
    found = ask(per_second(Request, "request_id", where=EVERYTHING, by=["route"]), span(7, 33, "10s"))
    assert [(row["route"], row["_value"]) for row in found] == [
        ("GET:/a", 0.4),
        ("GET:/a", 0.0),
        ("GET:/a", 0.1),
    ]


def test_a_mean_over_series_weighs_every_request(ask: Ask, write: Write) -> None:
    """Nine requests of one second and one of eleven took two seconds in the mean, not six."""
    write(requests(range(9), took=1.0) + requests([9], status=500, took=11.0) + requests([25], took=3.0))
    times = read(Request, "execution_time", where=EVERYTHING)
    parts = Part("time", times, "sum"), Part("timed", times, "count")
    found = ask(ratio(*parts, ["route"]), span(0, 30, "10s"))
    assert [row["_value"] for row in found] == [2.0, None, 3.0]
    [over_all] = ask(ratio_in_range(*parts), span(0, 30, "10s"))
    assert over_all["_value"] == pytest.approx(23 / 11)


def test_a_share_is_zero_without_a_failure_and_null_without_a_request(ask: Ask, write: Write) -> None:
    parts = counted(RequestError, "failed"), counted(Request, "requests")
    write(requests([1, 2, 25, 26]))
    found = ask(ratio(*parts, ["route"]), span(0, 30, "10s"))
    assert [row["_value"] for row in found] == [0.0, None, 0.0]
    [over_all] = ask(ratio_in_range(*parts), span(0, 30, "10s"))
    assert over_all["_value"] == 0.0

    [failed] = requests([26], status=500)
    write([failed])
    write(
        [
            RequestError(
                service="s",
                route=failed.route,
                status_code=500,
                error_code=7,
                request_id=failed.request_id,
                time=failed.time,
            )
        ]
    )
    found = ask(ratio(*parts, ["route"]), span(0, 30, "10s"))
    assert [row["_value"] for row in found] == [0.0, None, pytest.approx(1 / 3)]
