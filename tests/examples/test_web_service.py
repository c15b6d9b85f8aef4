"""The example service under real traffic, and its points in InfluxDB afterwards."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import aiohttp

from tests.services.influxdb import InfluxDB
from tests.tsmon_agent.waiting import eventually_sync

EXAMPLE = Path(__file__).parents[2] / "examples" / "web_service.py"

TRAFFIC: list[tuple[str, str, int]] = [
    *[("GET", "/version", 200)] * 30,
    *[("GET", f"/items/{number}", 200) for number in range(60)],
    *[("GET", f"/items/{number}", 409) for number in range(91, 98)],
    *[("GET", f"/items/{number}", 404) for number in range(101, 110)],
    *[("POST", "/broken", 500)] * 5,
    *[("GET", f"/elsewhere/{number}", 404) for number in range(4)],
    *[("DELETE", "/version", 405)] * 3,
]

REQUESTS = {
    ("GET:/version", "200"): 30,
    ("GET:/items/{number}", "200"): 60,
    ("GET:/items/{number}", "409"): 7,
    ("GET:/items/{number}", "404"): 9,
    ("POST:/broken", "500"): 5,
    ("GET:unmatched", "404"): 4,
    ("DELETE:unmatched", "405"): 3,
}

ERRORS = {
    ("GET:/items/{number}", "409", "1204"): 7,
    ("GET:/items/{number}", "404", "404"): 9,
    ("POST:/broken", "500", "500"): 5,
    ("GET:unmatched", "404", "404"): 4,
    ("DELETE:unmatched", "405", "405"): 3,
}


@contextmanager
def served(directory: Path, influxdb: InfluxDB, bucket: str) -> Iterator[str]:
    """Run the example as a process, and stop it as services are stopped."""
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("TSMON_")},
        "XDG_STATE_HOME": str(directory),
        "TSMON_MONITORING__URL": influxdb.url,
        "TSMON_MONITORING__ORGANIZATION": influxdb.org,
        "TSMON_MONITORING__BUCKET": bucket,
        "TSMON_MONITORING__TOKEN": influxdb.token,
    }
    log = directory / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLE), "--port", "0"],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        eventually_sync(lambda: "Running on" in log.read_text() or process.poll() is not None)
        yield next(word for word in log.read_text().split() if word.startswith("http://"))
        process.terminate()
        assert process.wait(20) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


async def send_all(url: str) -> list[int]:
    """Send the traffic, twenty requests at a time, and return the statuses."""
    turnstile = asyncio.Semaphore(20)

    async with aiohttp.ClientSession(url) as client:

        async def ask(number: int, method: str, path: str) -> int:
            async with turnstile, client.request(method, path, headers={"X-Request-ID": f"r-{number}"}) as answer:
                await answer.read()
                return answer.status

        return await asyncio.gather(*(ask(n, method, path) for n, (method, path, _) in enumerate(TRAFFIC)))


def read(influxdb: InfluxDB, bucket: str, measurement: str) -> list[dict[str, object]]:
    """One record per point, fields as columns."""
    return influxdb.flux(
        f'from(bucket: "{bucket}") |> range(start: -1h) |> filter(fn: (r) => r._measurement == "{measurement}") '
        '|> drop(columns: ["_start", "_stop"]) '
        '|> pivot(rowKey: ["_time"], columnKey: ["_field"], valueColumn: "_value") '
        "|> map(fn: (r) => ({r with ns: int(v: r._time)})) |> group()"
    )


def test_every_request_is_stored_exactly_in_both_series(tmp_path: Path, influxdb: InfluxDB, bucket: str) -> None:
    before_ns = time.time_ns()
    with served(tmp_path, influxdb, bucket) as url:
        statuses = asyncio.run(send_all(url))
    after_ns = time.time_ns()
    assert statuses == [status for _, _, status in TRAFFIC]

    requests = read(influxdb, bucket, "requests")
    assert Counter((row["route"], row["status_code"]) for row in requests) == REQUESTS
    assert sorted(str(row["request_id"]) for row in requests) == sorted(f"r-{n}" for n in range(len(TRAFFIC)))
    columns = {"result", "table", "_measurement", "_time", "ns", "service", "route", "status_code"}
    for row in requests:
        assert set(row) == columns | {"request_id", "execution_time"}
        assert row["service"] == "catalogue"
        assert isinstance(row["execution_time"], float)
        assert 0 < row["execution_time"] < (after_ns - before_ns) / 1e9
        assert isinstance(row["ns"], int)
        assert before_ns - 1_000 <= row["ns"] <= after_ns
    items = [row["execution_time"] for row in requests if row["route"] == "GET:/items/{number}"]
    assert min(items) >= 0.001  # type: ignore[type-var,operator]

    errors = read(influxdb, bucket, "errors")
    assert Counter((row["route"], row["status_code"], row["error_code"]) for row in errors) == ERRORS
    failed = {row["request_id"]: row["ns"] for row in requests if int(str(row["status_code"])) >= 400}
    assert {row["request_id"]: row["ns"] for row in errors} == failed
    for row in errors:
        assert set(row) == columns | {"error_code", "request_id"}
