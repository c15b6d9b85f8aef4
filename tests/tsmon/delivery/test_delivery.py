"""Delivery between a real buffer and a real store; where the server cannot be provoked, a proxy speaks for it."""

import asyncio
import contextlib
import logging
import random
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pytest

from tests.services.influxdb import InfluxDB
from tests.services.own_store import OwnStore
from tests.services.points import stored
from tests.services.proxy import Fault, Proxy, Seen, proxy_to
from tsmon.delivery import current_batch
from tsmon.delivery import delivery as delivery_module
from tsmon.delivery.accounting import Counts
from tsmon.delivery.backoff import Backoff
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.current_batch import REQUESTS_TO_ISOLATE
from tsmon.delivery.dead_letters import DeadLetter, DeadLetterFile
from tsmon.delivery.delivery import Delivery
from tsmon.errors import BatchTooLargeError, StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores import Store
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

T = 1_700_000_000_000_000_000
WAIT_S = 20.0


def line(n: int, *, text: str | None = None, time_ns: int | None = None) -> str:
    extra = "" if text is None else f',text="{text}"'
    return f"numbered n={n}i{extra} {T + n if time_ns is None else time_ns}"


@dataclass
class Clock:
    """A clock that only the test moves."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Road:
    """A buffer and the delivery from it."""

    buffer: Buffer
    delivery: Delivery
    clock: Clock = field(default_factory=Clock)

    def put(self, *lines: str) -> None:
        for one in lines:
            self.buffer.lines.append(one)
            if len(self.buffer.lines) >= self.buffer.block_lines:
                self.buffer.seal()

    @property
    def counts(self) -> Counts:
        found = self.buffer.counts(nonfinite_fields=0)
        assert found.accepted + found.recovered == found.written + found.pending + found.dropped
        return found

    async def settle(self) -> None:
        """Send until all that was put is written or dropped; waits between tries are real, but short."""
        self.buffer.seal(wait=True)
        async with asyncio.timeout(WAIT_S):
            assert await self.delivery.settle(self.buffer.sealed)

    async def one_try(self) -> None:
        """Send until the store refuses to go on, or all is sent."""
        self.delivery.kick()
        async with asyncio.timeout(WAIT_S):
            while self.delivery.busy:
                await asyncio.sleep(0)


@asynccontextmanager
async def road(
    store: Store,
    *,
    clock: Clock | None = None,
    batch_lines: int = 5_000,
    batch_bytes: int = 2_000_000,
    max_bytes: int = 64_000_000,
    dead_letters: DeadLetterFile | None = None,
) -> AsyncIterator[Road]:
    buffer = Buffer(max_bytes, batch_lines=batch_lines, batch_bytes=batch_bytes)
    backoff = Backoff(0.001, 0.01) if clock is None else Backoff(1.0, 1.0, draw=lambda _, high: high)
    delivery = Delivery(buffer, store, dead_letters=dead_letters, backoff=backoff, clock=clock or time.monotonic)
    async with store:
        try:
            yield Road(buffer, delivery, clock or Clock())
        finally:
            await delivery.close()


@pytest.fixture
async def proxy(influxdb: InfluxDB) -> AsyncIterator[Proxy]:
    async with proxy_to(influxdb.port) as opened:
        yield opened


@pytest.fixture
def through(influxdb: InfluxDB, bucket: str, proxy: Proxy) -> InfluxStore:
    """The store, reached through the proxy."""
    return InfluxStore(
        InfluxConnection(url=proxy.url, org=influxdb.org, bucket=bucket, token=influxdb.token, timeout_s=5.0)
    )


def writes(proxy: Proxy) -> list[Seen]:
    return [seen for seen in proxy.seen if "/write" in seen.target]


async def test_lines_reach_the_server_in_batches_of_the_limits(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    async with road(through, batch_lines=1_000, batch_bytes=30_000) as way:
        way.put(*map(line, range(4_000)))
        await way.settle()
        assert way.counts.written == 4_000
    bodies = [seen.body for seen in writes(proxy)]
    assert max(body.count(b"\n") + 1 for body in bodies) <= 1_000
    assert max(map(len, bodies)) <= 30_000
    assert len(bodies) < 20
    assert stored(influxdb, bucket) == list(range(4_000))


FAULTS = {
    "429": Fault(429, headers={"Retry-After": "0"}),
    "500 in InfluxDB's words": Fault(500, '{"code":"internal error","message":"disk"}'),
    "502 of a proxy": Fault(502, "<html>Bad gateway</html>"),
    "503": Fault(503, headers={"Retry-After": "0"}),
    "504": Fault(504),
    "401": Fault(401, '{"code":"unauthorized","message":"unauthorized access"}'),
    "403": Fault(403, '{"code":"forbidden","message":"insufficient permissions for write"}'),
    "404 for the bucket": Fault(404, '{"code":"not found","message":"bucket \\"x\\" not found"}'),
    "404 of another server": Fault(404, "<html>"),
    "405": Fault(405, "<html>"),
    "400 in other words than InfluxDB's": Fault(400, "Client sent an HTTP request to an HTTPS server."),
    "422 in other words than InfluxDB's": Fault(422, "no"),
    "200 of a login page": Fault(200, "<html>Please sign in</html>"),
    "a redirect": Fault(302, headers={"Location": "http://127.0.0.1:1/"}),
    "reset before the body": Fault(reset=True, body_bytes=0),
    "reset in mid-body": Fault(reset=True, body_bytes=5_000),
    "reset after the body": Fault(reset=True),
    "an answer that breaks off": Fault(400, '{"code":"invalid","message":"x"}', answer_bytes=80),
    "an answer lost on its way": Fault(forward=True, reset=True),
    "an answer turned into an error": Fault(503, forward=True),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
async def test_after_a_fault_nothing_is_lost_and_nothing_doubled(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str, fault: Fault
) -> None:
    async with road(through, clock=Clock(), batch_lines=300) as way:
        proxy.faults.append(fault)
        way.put(*map(line, range(500)))
        await way.one_try()
        assert (way.counts.pending, way.counts.written, way.counts.dropped) == (500, 0, 0)
        assert re.fullmatch(r".+", str(way.delivery.last_error))
        way.clock.now += 60
        way.put(*map(line, range(500, 600)))
        await way.one_try()
        assert (way.counts.pending, way.counts.written, way.counts.dropped) == (0, 600, 0)
        assert str(way.delivery.last_error) == "None"
    assert stored(influxdb, bucket) == list(range(600))


SILENT = {
    "no answer": Fault(),
    "no reading of the body": Fault(body_bytes=5),
    "an answer of a byte at a time": Fault(503, trickle_s=0.05),
    "success, a byte at a time": Fault(204, forward=True, trickle_s=0.05),
}


@pytest.mark.parametrize("fault", SILENT.values(), ids=SILENT.keys())
async def test_a_server_that_never_ends_its_answer_is_tried_again(
    influxdb: InfluxDB, bucket: str, proxy: Proxy, through: InfluxStore, fault: Fault
) -> None:
    impatient = InfluxConnection(
        url=proxy.url, org=influxdb.org, bucket=bucket, token=influxdb.token, timeout_s=0.2
    )
    proxy.faults.append(fault)
    async with road(InfluxStore(impatient), clock=Clock()) as way:
        way.put(line(0))
        await way.one_try()
        assert "no answer within 0.2 s" in str(way.delivery.last_error)
        assert way.counts.pending == 1
        await way.delivery.change_store(through, 1.0)
        async with through:
            await way.settle()
        assert (way.counts.pending, way.counts.written) == (0, 1)
    assert stored(influxdb, bucket) == [0]


@pytest.mark.parametrize(
    ("url", "reason"),
    [("http://127.0.0.1:1", "refused"), ("http://no-such-host.invalid:8086", "no-such-host.invalid")],
    ids=["refused", "no such name"],
)
async def test_a_server_that_is_not_there_costs_nothing(
    influxdb: InfluxDB, bucket: str, through: InfluxStore, url: str, reason: str
) -> None:
    nowhere = InfluxConnection(url=url, org=influxdb.org, bucket=bucket, token=influxdb.token)
    async with road(InfluxStore(nowhere), clock=Clock()) as way:
        way.put(*map(line, range(3)))
        await way.one_try()
        assert reason in str(way.delivery.last_error)
        assert way.counts.pending == 3
        await way.delivery.change_store(through, 1.0)
        async with through:
            await way.settle()
        assert (way.counts.pending, way.counts.written) == (0, 3)
    assert stored(influxdb, bucket) == [0, 1, 2]


async def test_a_store_that_is_away_is_not_tried_before_the_delay_is_over() -> None:
    store = OwnStore([StoreUnavailableError("away")] * 2)
    async with road(store, clock=Clock()) as way:
        way.put(line(0))
        await way.one_try()
        way.clock.now += 0.9
        await way.one_try()
        assert len(store.errors) == 1
        way.clock.now += 0.2
        await way.one_try()
        assert (store.errors, store.batches) == ([], [])
        way.clock.now += 1
        await way.one_try()
        assert way.counts.written == 1


async def test_settling_tries_at_once_whatever_the_backoff() -> None:
    store = OwnStore([StoreUnavailableError("away")])
    async with road(store, clock=Clock()) as way:
        way.put(line(0))
        await way.one_try()
        await way.settle()
        assert way.counts.written == 1


async def test_retry_after_is_kept_to_even_by_a_flush(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.faults.append(Fault(429, headers={"Retry-After": "7"}))
    async with road(through, clock=Clock()) as way:
        way.put(line(0))
        await way.one_try()
        way.clock.now += 6.9
        await way.one_try()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await way.delivery.settle(1)
        assert len(writes(proxy)) == 1
        way.clock.now += 0.1
        await way.one_try()
        assert way.counts.written == 1
    assert stored(influxdb, bucket) == [0]


@pytest.mark.parametrize(("asked_s", "tried"), [(3.0, False), (30.0, True)])
async def test_the_last_chance_is_taken_where_the_store_asked_for_more_time_than_there_is(
    asked_s: float, tried: bool
) -> None:
    store = OwnStore([StoreUnavailableError("busy", retry_after_s=asked_s)])
    async with road(store, clock=Clock()) as way:
        way.put(line(0))
        await way.one_try()
        with contextlib.nullcontext() if tried else pytest.raises(TimeoutError):
            async with asyncio.timeout(WAIT_S if tried else 0.05):
                assert await way.delivery.settle(1, last_chance_s=5.0)
        assert bool(store.batches) is tried


async def test_a_request_too_large_is_halved_until_it_passes(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.rule = lambda seen: Fault(413) if len(seen.body) > 20_000 else None
    async with road(through) as way:
        way.put(*map(line, range(5_000)))
        await way.settle()
        assert (way.counts.written, way.counts.dropped) == (5_000, 0)
        refused = [seen for seen in writes(proxy) if len(seen.body) > 20_000]
        assert len(refused) < 10
        way.put(*map(line, range(5_000, 9_000)))
        await way.settle()
        assert [seen for seen in writes(proxy) if len(seen.body) > 20_000] == refused
    assert stored(influxdb, bucket) == list(range(9_000))


@pytest.mark.parametrize("body_bytes", [0, 70_000])
@pytest.mark.parametrize("reset", [False, True])
async def test_a_413_that_comes_before_the_body_is_understood(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str, body_bytes: int, reset: bool
) -> None:
    proxy.faults.append(Fault(413, body_bytes=body_bytes, reset=reset))
    async with road(through) as way:
        way.put(*map(line, range(5_000)))
        await way.settle()
        assert way.counts.written == 5_000
    assert len(writes(proxy)) >= 3
    assert stored(influxdb, bucket) == list(range(5_000))


async def test_one_line_too_large_is_dropped_and_the_others_stored(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.rule = lambda seen: Fault(413) if len(seen.body) > 20_000 else None
    async with road(through) as way:
        way.put(*map(line, range(1_000)), line(1_000, text="x" * 30_000), *map(line, range(1_001, 1_100)))
        await way.settle()
        assert (way.counts.written, way.counts.dropped_by) == (1_099, {"rejected": 1})
    assert stored(influxdb, bucket) == [n for n in range(1_100) if n != 1_000]


async def test_the_limit_of_a_413_is_tried_anew_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current_batch, "WRITES_BEFORE_LARGER", 10)
    store = OwnStore([BatchTooLargeError("too large")])
    async with road(store) as way:
        for start in range(0, 40_000, 2_000):
            way.put(*map(line, range(start, start + 2_000)))
            await way.settle()
        assert store.lines == list(map(line, range(40_000)))
    sizes = [batch.count(b"\n") + 1 for batch in store.batches]
    assert max(sizes[:10]) < 2_000
    assert sizes[-1] == 2_000


async def test_a_bad_line_does_not_hold_back_the_good_ones(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    bad = {0, 1, 77, *range(1_000, 1_030), 4_998, 4_999}
    async with road(through) as way:
        way.put(*(f"numbered n={n}i,v=oops {T + n}" if n in bad else line(n) for n in range(5_000)))
        await way.settle()
        assert (way.counts.written, way.counts.dropped_by) == (5_000 - len(bad), {"rejected": len(bad)})
        assert len(writes(proxy)) < 2 + 2 * len(bad)
    assert stored(influxdb, bucket) == [n for n in range(5_000) if n not in bad]


async def test_a_bad_line_that_only_the_server_knows_is_isolated_by_halving(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.rule = lambda seen: Fault(400, '{"code":"invalid","message":"odd"}') if b"odd" in seen.body else None
    bad = {0, 500, 1_999}
    async with road(through) as way:
        way.put(*(line(n, text="odd" if n in bad else "even") for n in range(2_000)))
        await way.settle()
        assert (way.counts.written, way.counts.dropped_by) == (1_997, {"rejected": 3})
    assert stored(influxdb, bucket) == [n for n in range(2_000) if n not in bad]


async def test_newlines_within_texts_do_not_confuse_the_halving(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    proxy.rule = lambda seen: Fault(400, '{"code":"invalid","message":"odd"}') if b"odd" in seen.body else None
    async with road(through) as way:
        way.put(*(line(n, text='two\n \\"lines\\"\n# x' + " odd" * (n == 50)) for n in range(100)))
        await way.settle()
        assert (way.counts.written, way.counts.dropped_by) == (99, {"rejected": 1})
    assert stored(influxdb, bucket) == [n for n in range(100) if n != 50]


async def test_the_requests_spent_on_a_wholly_refused_batch_are_bounded(
    through: InfluxStore, proxy: Proxy, influxdb: InfluxDB, bucket: str
) -> None:
    async with road(through) as way:
        way.put(*(f"bad line {n}" for n in range(5_000)))
        await way.settle()
        assert way.counts.dropped_by == {"rejected": 5_000}
        assert len(writes(proxy)) <= 2 * REQUESTS_TO_ISOLATE + 1
        way.put(line(0))
        await way.settle()
    assert stored(influxdb, bucket) == [0]


async def test_of_a_422_the_refused_lines_are_found_with_a_few_requests(
    through: InfluxStore,
    proxy: Proxy,
    influxdb: InfluxDB,
    bucket: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    influxdb.write(line(0, text="a").encode(), bucket)
    kept = tmp_path / "dead_letters.jsonl"
    bad = [f"numbered n={n}i,text={n} {T + n}" for n in (2, 3, 700)]
    async with road(through, dead_letters=DeadLetterFile(kept, 100_000)) as way:
        way.put(*(line(n) if n not in (2, 3, 700) else bad[(2, 3, 700).index(n)] for n in range(1, 1_001)))
        await way.settle()
        assert (way.counts.written, way.counts.dropped_by) == (997, {"rejected": 3})
    assert len(writes(proxy)) == 3
    assert "3 points were rejected" in caplog.text
    assert f"see {kept}" in caplog.text
    assert stored(influxdb, bucket) == [n for n in range(1_001) if n not in (2, 3, 700)]
    letters = [msgspec.json.decode(one, type=DeadLetter) for one in kept.read_bytes().splitlines()]
    assert [letter.line for letter in letters] == bad
    assert all('input field "text" on measurement "numbered" is type float' in letter.reason for letter in letters)


async def test_conflicts_and_points_beyond_the_retention_are_told_apart(influxdb: InfluxDB, tmp_path: Path) -> None:
    bucket = influxdb.new_bucket(retention_s=3_600)
    store = InfluxStore(InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token))
    now_ns = time.time_ns()
    influxdb.write(line(0, text="a", time_ns=now_ns).encode(), bucket)
    kept = tmp_path / "dead_letters.jsonl"
    good = [line(n, time_ns=now_ns + n) for n in range(1, 300)]
    old = [line(n, time_ns=now_ns - n * 7_200_000_000_000) for n in range(1_000, 1_005)]
    number_as_text = [f"numbered n={n}i,text={n} {now_ns + n}" for n in range(2_000, 2_003)]
    text_as_number = [f'numbered n="{n}" {now_ns + n}' for n in range(3_000, 3_002)]
    lines = [*good, *old, *number_as_text, *text_as_number]
    random.Random(7).shuffle(lines)
    async with road(store, dead_letters=DeadLetterFile(kept, 100_000)) as way:
        way.put(*lines)
        await way.settle()
        assert (way.counts.written, way.counts.dropped_by) == (len(good), {"rejected": 10})
    assert stored(influxdb, bucket) == list(range(300))
    letters = [msgspec.json.decode(one, type=DeadLetter) for one in kept.read_bytes().splitlines()]
    reasons = {letter.line: letter.reason for letter in letters}
    assert len(letters) == len(reasons)
    assert set(reasons) == {*old, *number_as_text, *text_as_number}
    assert all("retention" in reasons[one] for one in old)
    assert all('"text"' in reasons[one] and "is type float" in reasons[one] for one in number_as_text)
    assert all('"n"' in reasons[one] and "is type string" in reasons[one] for one in text_as_number)


async def test_points_beyond_the_retention_are_counted(influxdb: InfluxDB) -> None:
    bucket = influxdb.new_bucket(retention_s=3_600)
    store = InfluxStore(InfluxConnection(url=influxdb.url, org=influxdb.org, bucket=bucket, token=influxdb.token))
    async with road(store) as way:
        way.put(*(line(n) for n in range(7)))
        await way.settle()
        assert way.counts.dropped_by == {"rejected": 7}


async def test_a_store_that_fails_in_its_own_way_keeps_the_points(caplog: pytest.LogCaptureFixture) -> None:
    store = OwnStore([ValueError("own bug"), StoreError("closed"), OSError("no space"), TimeoutError()])
    async with road(store) as way:
        way.put(line(0))
        await way.settle()
        assert way.counts.written == 1
    assert store.lines == [line(0)]
    assert "ValueError: own bug" in caplog.text


async def test_a_store_that_is_away_for_long_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    store = OwnStore([StoreUnavailableError("away")] * 100)
    async with road(store, clock=Clock()) as way:
        way.put(line(0))
        for _ in range(70):
            await way.one_try()
            way.clock.now += 1.0
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 2
    assert "away" in warnings[0]
    assert "59 more since the last" in warnings[1]


async def test_points_dropped_for_want_of_room_are_logged(caplog: pytest.LogCaptureFixture) -> None:
    store = OwnStore([StoreUnavailableError("away")])
    async with road(store, max_bytes=10_000, clock=Clock()) as way:
        way.put(*map(line, range(2_000)))
        await way.one_try()
        lost = way.counts.dropped_by["buffer full"]
        assert f"{lost} points were dropped so far, since the buffer is full" in caplog.text


async def test_settling_ends_when_its_lines_are_settled_though_more_keep_coming() -> None:
    class Endless(OwnStore):
        async def write(self, lines: bytes) -> None:
            await super().write(lines)
            way.put(*map(line, range(5)))
            await asyncio.sleep(0)

    async with road(Endless(), batch_lines=5) as way:
        way.put(*map(line, range(5)))
        await way.settle()
        assert way.counts.written >= 5


async def test_lines_that_come_during_a_delivery_wait_for_the_next_one_unless_they_fill_a_batch() -> None:
    store = OwnStore()
    store.gate.clear()
    async with road(store, batch_lines=100) as way:
        way.put(*map(line, range(10)))
        way.delivery.kick()
        await store.writing.wait()
        way.put(*map(line, range(10, 20)))
        way.buffer.seal()
        store.gate.set()
        await way.one_try()
        assert way.counts.written == 20
        store.gate.clear()
        store.writing.clear()
        way.put(line(20))
        way.delivery.kick()
        await store.writing.wait()
        way.put(line(21))
        store.gate.set()
        while way.delivery.busy:
            await asyncio.sleep(0)
        assert (way.counts.written, way.counts.pending) == (21, 1)


async def test_a_settling_that_is_cancelled_leaves_the_request_under_way_alone() -> None:
    store = OwnStore()
    store.gate.clear()
    async with road(store) as way:
        way.put(line(0))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await way.delivery.settle(1)
        store.gate.set()
        await way.settle()
    assert store.batches == [line(0).encode()]


async def test_closing_cancels_what_is_in_flight_and_counts_it_as_pending() -> None:
    store = OwnStore()
    store.gate.clear()
    async with road(store) as way:
        way.put(line(0))
        waiting = asyncio.create_task(way.delivery.settle(1))
        await store.writing.wait()
        await way.delivery.close()
        assert way.counts.pending == 1
        assert not await waiting
        way.delivery.kick()
        assert not way.delivery.busy


async def test_closing_does_not_wait_for_a_store_that_cannot_be_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery_module, "CANCEL_S", 0.01)
    released = asyncio.Event()

    class Stubborn(OwnStore):
        async def write(self, lines: bytes) -> None:
            while not released.is_set():
                try:
                    await super().write(lines)
                except asyncio.CancelledError:
                    continue

    store = Stubborn()
    store.gate.clear()
    async with road(store) as way:
        way.put(line(0))
        way.delivery.kick()
        await store.writing.wait()
        await way.delivery.close()
        assert way.buffer.close("stopped") == 1
        released.set()
        store.gate.set()
        while way.delivery.busy:
            await asyncio.sleep(0)
        assert (way.counts.written, way.counts.dropped_by) == (0, {"stopped": 1})


async def test_another_store_gets_what_waits() -> None:
    first, second = OwnStore([StoreUnavailableError("away", retry_after_s=500.0)]), OwnStore()
    async with road(first, clock=Clock()) as way:
        way.put(line(0))
        await way.one_try()
        assert await way.delivery.change_store(second, 1.0) is first
        await way.one_try()
        assert way.counts.written == 1
    assert second.lines == [line(0)]


async def test_a_write_under_way_ends_in_the_store_where_it_began() -> None:
    first, second = OwnStore(), OwnStore()
    first.gate.clear()
    async with road(first, batch_lines=1) as way:
        way.put(line(0), line(1))
        way.delivery.kick()
        await first.writing.wait()
        changing = asyncio.create_task(way.delivery.change_store(second, 5.0))
        await asyncio.sleep(0)
        first.gate.set()
        assert await changing is first
        await way.settle()
    assert (first.lines, second.lines) == ([line(0)], [line(1)])


@pytest.mark.parametrize("lines", [5, 1, 0])
async def test_a_store_that_counts_wrongly_cannot_break_the_accounting(lines: int) -> None:
    class Miscounting(OwnStore):
        async def write(self, data: bytes) -> None:
            raise StoreRefusedError("no", lines=lines)

    async with road(Miscounting()) as way:
        way.put(line(0), line(1))
        await way.settle()
        assert way.counts.dropped == min(2 * lines, 2)
