"""Stores that share one file: the owner stores what the others hand over."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tsmon.errors import StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores import Selector
from tsmon.stores.rollup_tiers import DEFAULT_TIERS
from tsmon.stores.sqlite import SqliteStore, handover

ALL = {"start_ns": 0, "stop_ns": 2**62}


class Sharing:
    """A store that shares the file, and what it has taken in."""

    def __init__(self, path: Path) -> None:
        self.store = SqliteStore(path)
        self.taken_in: list[tuple[int, int]] = []
        self.store.count_taken_in(lambda lines, refused: self.taken_in.append((lines, refused)))

    async def __aenter__(self) -> "Sharing":
        await self.store.open_shared()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tsmon.db"


async def values(path: Path, field: str = "v") -> list[object]:
    async with SqliteStore(path, read_only=True) as reader:
        found = await reader.values(Selector("m", field), **ALL)
    return [value for one in found for value in one.values]


async def test_the_owner_takes_in_at_each_call_and_when_it_closes(path: Path) -> None:
    async with Sharing(path) as owner, Sharing(path) as other:
        await owner.store.write(b"m v=1 1")
        await other.store.write(b"m v=2 2\nm v=3 3")
        await other.store.write(b'm v=4,text="two\nlines" 4')
        assert await values(path) == [1.0]
        await owner.store.take_in()
        assert owner.taken_in == [(3, 0)]
        assert await values(path) == [1.0, 2.0, 3.0, 4.0]
        await other.store.write(b"m v=5 5")
    assert owner.taken_in + other.taken_in == [(3, 0), (1, 0)]
    assert await values(path) == [1.0, 2.0, 3.0, 4.0, 5.0]
    assert not Path(f"{path}.handover").exists()


async def test_the_next_one_becomes_the_owner_and_keeps_the_order(path: Path) -> None:
    async with Sharing(path) as other:
        async with Sharing(path):
            await other.store.close()
            await other.store.open_shared()
            await other.store.write(b"m v=1 7")
        # The later of two writes of one point is the one that stays.
        await other.store.write(b"m v=2 7")
        assert await values(path) == [2.0]
        await other.store.refresh_rollups()


async def test_each_of_many_is_stored_once_while_owners_come_and_go(path: Path) -> None:
    async def work(first: int) -> None:
        for n in range(first, first + 20):
            async with Sharing(path) as one:
                await one.store.write(b"m v=%d %d" % (n, n))

    await asyncio.gather(*(work(first) for first in range(0, 100, 20)))
    assert await values(path) == [float(n) for n in range(100)]
    assert not Path(f"{path}.handover").exists()


async def test_what_the_file_refuses_is_counted_and_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Sharing(path) as owner, Sharing(path) as other:
        await owner.store.write(b"m v=1 1")
        await other.store.write(b'm v="text" 2\nm v=3 3')
        await owner.store.take_in()
        assert owner.taken_in == [(2, 1)]
        assert "refused 1 points that another process has handed over; they are lost; " in caplog.text
        with pytest.raises(StoreRefusedError):
            await owner.store.write(b'm v="text" 4')
    assert await values(path) == [1.0, 3.0]


async def test_a_damaged_segment_is_set_aside_and_logged(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with Sharing(path) as owner, Sharing(path) as other:
        for n in (1, 2):
            await other.store.write(b"m v=%d %d" % (n, n))
        first = min(Path(f"{path}.handover").glob("*.seg"))
        data = bytearray(first.read_bytes())
        data[-1] ^= 1
        first.write_bytes(data)
        await owner.store.take_in()
        assert await values(path) == [2.0]
        assert f"it was renamed to {first.with_suffix('.damaged')}" in caplog.text


async def test_no_more_is_handed_over_than_the_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handover, "MAX_BYTES", 100)
    async with Sharing(path) as owner, Sharing(path) as other:
        await other.store.write(b"m v=1 1")
        with pytest.raises(StoreUnavailableError, match=r"wait in .* for the process that writes"):
            await other.store.write(b"m v=2 2")
        await owner.store.take_in()
        await other.store.write(b"m v=2 2")


async def test_queries_are_answered_by_each(path: Path) -> None:
    async with Sharing(path) as owner, Sharing(path) as other:
        await owner.store.write(b"m v=1 1")
        assert len(await other.store.newest(Selector("m", "v"))) == 1


async def test_a_store_that_keeps_rollups_needs_the_file_for_itself(path: Path) -> None:
    async with Sharing(path):
        with pytest.raises(StoreUnavailableError, match=f"is being written by process {os.getpid()}; stop it"):
            await SqliteStore(path, tiers=DEFAULT_TIERS).open_shared()


KILLED = """
import asyncio, os, signal, sys
from tsmon.stores.sqlite import SqliteStore

async def main():
    store = SqliteStore(sys.argv[1])
    await store.open_shared()
    await store.write(b"m v=1 1")
    open(sys.argv[1] + f".handover/0-{os.getpid()}-1.part", "w").close()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_while_it_hands_over_is_logged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Sharing(path) as owner:
        with subprocess.Popen([sys.executable, "-c", KILLED, str(path)]) as process:
            process.wait()
        caplog.set_level(logging.ERROR)
        await owner.store.take_in()
        assert f"process {process.pid}, which handed its points over" in caplog.text
        assert await values(path) == [1.0]
        caplog.clear()
        await owner.store.take_in()
        assert caplog.text == ""
    assert not Path(f"{path}.handover").exists()


async def test_a_path_below_a_file_is_one_sentence_and_nothing_waits_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    store = SqliteStore(tmp_path / "file" / "tsmon.db")
    with pytest.raises(StoreError):
        await store.open_shared()
    await store.close()
    assert caplog.text == ""
