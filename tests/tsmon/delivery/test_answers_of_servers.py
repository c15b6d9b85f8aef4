"""Answers of other servers than InfluxDB 2.x, in the shapes that their sources and documentation show."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.services.recorded import Answer, Recorded, recorded_server
from tsmon.delivery.backoff import Backoff
from tsmon.delivery.buffer import Buffer
from tsmon.delivery.dead_letters import DeadLetter, DeadLetterFile
from tsmon.delivery.delivery import Delivery
from tsmon.stores.influxdb import InfluxConnection, InfluxStore

T = 1_700_000_000_000_000_000

GATEWAYS = {
    "Kong": '{"message":"Bad request"}',
    "FastAPI": '{"detail":"Bad Request"}',
    "FastAPI's validation": '{"detail":[{"loc":["body"],"msg":"field required","type":"value_error.missing"}]}',
    "problem+json": '{"type":"about:blank","title":"Bad Request","status":400,"detail":"body too short"}',
    "Spring": '{"timestamp":"2026-01-02T03:04:05Z","status":400,"error":"Bad Request","path":"/api/v2/write"}',
    "Google": '{"error":{"code":400,"message":"Request is malformed","status":"INVALID_ARGUMENT"}}',
    "gRPC": '{"code":3,"message":"invalid","details":[]}',
    "Azure": '{"code":"BadRequest","message":"invalid"}',
    "another code of InfluxDB's": '{"code":"unauthorized","message":"unauthorized access"}',
    "OAuth": '{"error":"invalid_request","error_description":"no token"}',
    "code and no message": '{"code":"invalid"}',
    "an empty object": "{}",
    "a list": '[{"code":"invalid","message":"x"}]',
    "a message in an envelope": '{"success":false,"errors":[{"code":"invalid","message":"x"}]}',
    "an object cut off": '{"message":"unable to parse',
    "text": "unable to parse",
}


def line(n: int) -> str:
    return f"numbered n={n}i {T + n}"


def is_bad(text: str) -> bool:
    return "bad" in text


@asynccontextmanager
async def delivering(
    server: Recorded, kept: Path | None = None
) -> AsyncIterator[tuple[Buffer, Delivery, Callable[..., None]]]:
    buffer = Buffer(64_000_000)
    letters = None if kept is None else DeadLetterFile(kept, 10_000_000)
    store = InfluxStore(InfluxConnection(url=server.url, org="o", bucket="b"))
    delivery = Delivery(buffer, store, dead_letters=letters, backoff=Backoff(0.001, 0.01))

    def put(*lines: str) -> None:
        buffer.lines.extend(lines)
        buffer.seal(wait=True)

    async with store:
        try:
            yield buffer, delivery, put
        finally:
            await delivery.close()


def letters_in(kept: Path) -> dict[str, str]:
    letters = [msgspec.json.decode(one, type=DeadLetter) for one in kept.read_bytes().splitlines()]
    assert len({letter.line for letter in letters}) == len(letters)
    return {letter.line: letter.reason for letter in letters}


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("text", GATEWAYS.values(), ids=GATEWAYS.keys())
async def test_the_answer_of_a_gateway_keeps_the_whole_batch(
    status: int, text: str, caplog: pytest.LogCaptureFixture
) -> None:
    answers = [Answer(status, text)]

    def answer(lines: list[str]) -> Answer:
        return answers.pop() if answers else Answer(204, stored=tuple(range(len(lines))))

    async with recorded_server(answer) as server, delivering(server) as (buffer, delivery, put):
        put(*map(line, range(100)))
        assert await delivery.settle(buffer.sealed)
        counts = buffer.counts(nonfinite_fields=0)
        assert (counts.written, counts.dropped, len(server.writes)) == (100, 0, 2)
        assert server.lines == list(map(line, range(100)))
    assert f"points are kept and sent again: InfluxDB at {server.url} (organization 'o', bucket 'b')" in caplog.text
    assert f"answered {status}: " in caplog.text


def core(lines: list[str], *, status: int = 400, error: str = "partial write of line protocol occurred") -> Answer:
    """InfluxDB 3 Core: every refused line is listed, the others are stored."""
    bad = [number for number, text in enumerate(lines) if is_bad(text)]
    if not bad:
        return Answer(204, stored=tuple(range(len(lines))))
    data = [
        {
            "original_line": lines[number].replace('"', ""),
            "line_number": number + 1,
            "error_message": f"invalid column type for column 'v', got string {number % 2}",
        }
        for number in bad
    ]
    good = tuple(number for number in range(len(lines)) if number not in bad)
    return Answer(status, json.dumps({"error": error, "data": data}), good)


def core_without_list(lines: list[str]) -> Answer:
    """InfluxDB 3 Core since its errors at /api/v2/write are in the form of 2.x."""
    found = core(lines)
    if found.status == 204:
        return found
    return Answer(
        500, '{"code":"internal error","message":"partial write of line protocol occurred"}', found.stored
    )


def atomic(lines: list[str]) -> Answer:
    """InfluxDB 3 Core where it accepts no partial writes: the first bad line is named, nothing is stored."""
    found = core(lines)
    if found.status == 204:
        return found
    first = json.loads(found.text)["data"][0]
    return Answer(400, json.dumps({"error": "parsing failed for write_lp endpoint", "data": first}))


def serverless(lines: list[str]) -> Answer:
    """InfluxDB Cloud Serverless: at most a hundred lines are named, in the message."""
    bad = [number for number, text in enumerate(lines) if is_bad(text)]
    if not bad:
        return Answer(204, stored=tuple(range(len(lines))))
    named = [f"error parsing line {number + 1} (1-based): No fields were provided" for number in bad[:100]]
    message = "\n".join(["failed to parse line protocol: errors encountered on line(s):", *named])
    good = tuple(number for number in range(len(lines)) if number not in bad)
    return Answer(400, json.dumps({"code": "invalid", "message": message, "line": bad[0] + 1}), good)


def questdb(lines: list[str]) -> Answer:
    """QuestDB: the first bad line is named, nothing is stored."""
    bad = [number for number, text in enumerate(lines) if is_bad(text)]
    if not bad:
        return Answer(204, stored=tuple(range(len(lines))))
    message = (
        "failed to parse line protocol:errors encountered on line(s):\n"
        f"error in line {bad[0] + 1}: table: numbered, column: v; cast error"
    )
    return Answer(400, json.dumps({"code": "invalid", "message": message, "line": bad[0] + 1, "errorId": "x-0"}))


def influxdb_1_8(lines: list[str]) -> Answer:
    """InfluxDB 1.8: a conflict of types is counted, the other lines are stored."""
    bad = [number for number, text in enumerate(lines) if is_bad(text)]
    if not bad:
        return Answer(204, stored=tuple(range(len(lines))))
    error = (
        'partial write: field type conflict: input field "bad" on measurement "numbered" is type float, '
        f"already exists as type string dropped={len(bad)}"
    )
    good = tuple(number for number in range(len(lines)) if number not in bad)
    return Answer(400, json.dumps({"error": error}), good)


SERVERS = {
    "InfluxDB 3 Core": core,
    "InfluxDB 3 Core, a limit": lambda lines: core(lines, status=422),
    "InfluxDB 3 Core, early": lambda lines: core(lines, error="partial write of line protocol ocurred"),
    "InfluxDB 3 Core, no list": core_without_list,
    "InfluxDB 3 Core, atomic": atomic,
    "InfluxDB Cloud Serverless": serverless,
    "QuestDB": questdb,
    "InfluxDB 1.8": influxdb_1_8,
}


@pytest.mark.parametrize("bad", [{3}, {0, 99}, set(range(40, 70)), set(range(100))], ids=len)
@pytest.mark.parametrize("answer", SERVERS.values(), ids=SERVERS.keys())
async def test_what_is_counted_is_what_is_stored(
    answer: Callable[[list[str]], Answer], bad: set[int], tmp_path: Path
) -> None:
    kept = tmp_path / "dead_letters.jsonl"
    lines = [f"numbered n={n}i,bad={n} {T + n}" if n in bad else line(n) for n in range(100)]
    async with recorded_server(answer) as server, delivering(server, kept) as (buffer, delivery, put):
        put(*lines)
        assert await delivery.settle(buffer.sealed)
        counts = buffer.counts(nonfinite_fields=0)
        assert (counts.written, counts.dropped_by) == (100 - len(bad), {"rejected": len(bad)})
        assert set(server.lines) == {text for text in lines if not is_bad(text)}
    assert set(letters_in(kept)) == {text for text in lines if is_bad(text)}


async def test_a_list_of_thousand_lines_is_exact_after_one_request(tmp_path: Path) -> None:
    kept = tmp_path / "dead_letters.jsonl"
    lines = [f"numbered n={n}i,bad={n} {T + n}" if n % 5 == 0 else line(n) for n in range(5_000)]
    async with recorded_server(core) as server, delivering(server, kept) as (buffer, delivery, put):
        put(*lines)
        assert await delivery.settle(buffer.sealed)
        counts = buffer.counts(nonfinite_fields=0)
        assert (counts.written, counts.dropped, len(server.writes)) == (4_000, 1_000, 1)
        assert len(server.lines) == 4_000
    letters = letters_in(kept)
    assert set(letters) == {text for text in lines if is_bad(text)}
    assert letters[lines[0]].endswith("refused the line (400): invalid column type for column 'v', got string 0")
    assert letters[lines[5]].endswith("got string 1")


async def test_newlines_within_texts_do_not_shift_the_numbers(tmp_path: Path) -> None:
    kept = tmp_path / "dead_letters.jsonl"
    lines = [f'numbered n={n}i,text="two\nlines{" bad" * (n == 7)}" {T + n}' for n in range(20)]
    async with recorded_server(core) as server, delivering(server, kept) as (buffer, delivery, put):
        put(*lines)
        assert await delivery.settle(buffer.sealed)
        assert buffer.counts(nonfinite_fields=0).written == 19
    assert list(letters_in(kept)) == [lines[7]]


DAMAGED = {
    "a number beyond the batch": [{"line_number": 101, "error_message": "x"}],
    "no number": [{"error_message": "x"}],
    "a number as text": [{"line_number": "4", "error_message": "x"}],
    "number zero": [{"line_number": 0, "error_message": "x"}],
    "no object": ["x"],
    "an empty list": [],
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED.keys())
async def test_a_list_that_is_not_understood_is_not_believed(data: list[object]) -> None:
    def answer(lines: list[str]) -> Answer:
        found = core(lines)
        text = json.dumps({"error": "partial write of line protocol occurred", "data": data})
        return found if found.status == 204 else Answer(400, text, found.stored)

    lines = [f"numbered bad={n} {T + n}" if n == 3 else line(n) for n in range(100)]
    async with recorded_server(answer) as server, delivering(server) as (buffer, delivery, put):
        put(*lines)
        assert await delivery.settle(buffer.sealed)
        counts = buffer.counts(nonfinite_fields=0)
        assert (counts.written, counts.dropped) == (99, 1)
        assert len(set(server.lines)) == 99
