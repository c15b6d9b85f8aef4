"""Lines reach the store though it is away or takes only some of them."""

import pytest

from tests.services.own_store import OwnStore
from tsmon.errors import BatchTooLargeError, StoreRefusedError, StoreUnavailableError
from tsmon_agent.ingest.files import write_chunks
from tsmon_agent.ingest.files.write_chunks import write_lines

LINES = [f"m v={n} {n}" for n in range(8)]


class Choosy(OwnStore):
    """Stores no line with ``v=5``, and tells how many; or, with ``whole``, refuses all of such a batch."""

    whole = False

    async def write(self, lines: bytes) -> None:
        texts = lines.decode().split("\n")
        good = [one for one in texts if "v=5" not in one]
        if len(good) == len(texts):
            await super().write(lines)
            return
        if self.whole:
            raise StoreRefusedError("cannot be parsed", status=400)
        if good:
            await super().write("\n".join(good).encode())
        raise StoreRefusedError("a conflict", status=422, lines=len(texts) - len(good))


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Delays are noted, not waited for."""
    waited: list[float] = []

    async def wait(delay_s: float) -> None:
        waited.append(delay_s)

    monkeypatch.setattr(write_chunks.asyncio, "sleep", wait)
    return waited


async def test_a_store_that_is_away_is_waited_for_as_long_as_it_asks(patient: list[float]) -> None:
    said: list[str] = []
    store = OwnStore([StoreUnavailableError("away"), StoreUnavailableError("busy", retry_after_s=7.0)])
    assert await write_lines(store, LINES, said.append) == []
    assert store.lines == LINES
    assert [one.split("; ")[0] for one in said] == ["away", "busy"]
    assert patient[0] < 1
    assert patient[1] == 7.0


async def test_a_request_that_is_too_large_is_halved() -> None:
    store = OwnStore([BatchTooLargeError("too large"), BatchTooLargeError("too large")])
    assert await write_lines(store, LINES, print) == []
    assert store.lines == LINES
    assert len(store.batches) == 3


@pytest.mark.parametrize("whole", [False, True])
async def test_lines_that_are_refused_come_back_with_the_reason_and_the_others_are_stored(whole: bool) -> None:
    store = Choosy()
    store.whole = whole
    refused = await write_lines(store, LINES, print)
    assert [line for line, _ in refused] == ["m v=5 5"]
    assert set(store.lines) == {*LINES} - {"m v=5 5"}


@pytest.mark.parametrize("stored", [True, False], ids=["the others are stored", "nothing is stored"])
async def test_lines_that_the_store_names_come_back_with_their_own_reasons(stored: bool) -> None:
    class Naming(OwnStore):
        async def write(self, lines: bytes) -> None:
            texts = lines.decode().split("\n")
            reasons = {n: f"odd {one}" for n, one in enumerate(texts) if one in LINES[5:7]}
            if stored or not reasons:
                await super().write("\n".join(one for one in texts if one not in LINES[5:7]).encode())
            if reasons:
                raise StoreRefusedError("odd", lines=len(reasons) if stored else None, line_reasons=reasons)

    store = Naming()
    refused = await write_lines(store, LINES, print)
    assert [line for line, _ in refused] == LINES[5:7]
    assert set(store.lines) - {""} == {*LINES} - {*LINES[5:7]}
    if stored:
        assert [reason for _, reason in refused] == [f"odd {line}" for line in LINES[5:7]]


async def test_nothing_is_nothing() -> None:
    store = OwnStore()
    assert await write_lines(store, [], print) == []
    assert store.batches == []
