"""One process writes a file; another one's error names it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tsmon.errors import StoreError, StoreUnavailableError
from tsmon.stores import Selector
from tsmon.stores.sqlite import SqliteStore

HOLDING = """
import asyncio, sys
from tsmon.stores.sqlite import SqliteStore

async def main():
    async with SqliteStore(sys.argv[1]) as store:
        await store.write(b"m v=1 1")
        print("open", flush=True)
        sys.stdin.readline()

asyncio.run(main())
"""


@contextmanager
def holder(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has ``path`` open for writing until its standard input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"open\n"
        yield process


async def test_a_second_process_is_refused_with_the_file_and_the_first_ones_pid(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    with holder(path) as process:
        with pytest.raises(StoreUnavailableError) as caught:
            await SqliteStore(path).open()
        assert str(path) in str(caught.value)
        assert f"process {process.pid};" in str(caught.value)


async def test_a_killed_writer_leaves_the_file_to_the_next(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    with holder(path) as process:
        process.kill()
    async with SqliteStore(path) as store:
        assert len(await store.newest(Selector("m", "v"))) == 1


async def test_a_second_store_in_this_process_is_refused_until_the_first_closes(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path):
        second = SqliteStore(path)
        with pytest.raises(StoreUnavailableError, match=f"process {os.getpid()};"):
            await second.open()
    async with second:
        await second.write(b"m v=1 1")


async def test_what_was_never_opened_or_is_closed_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "tsmon.db")
    with pytest.raises(StoreError, match="not open"):
        await store.write(b"m v=1 1")
    async with store:
        with pytest.raises(StoreError, match="open already"):
            await store.open()
    with pytest.raises(StoreError, match="not open"):
        await store.newest(Selector("m", "v"))


async def test_a_check_without_open_names_the_process_that_writes(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    await SqliteStore(path).check()
    async with SqliteStore(path) as store:
        await store.check()
        remark = await SqliteStore(path).check()
        assert remark == f"is being written by process {os.getpid()}, which takes the points of others over"


FORKING = """
import asyncio, os, sys
from tsmon.errors import StoreError
from tsmon.stores.sqlite import SqliteStore

async def main(path):
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
        child = os.fork()
        if child == 0:
            try:
                store._require_open()
            except StoreError as error:
                print(error, flush=True)
            sys.stdin.readline()  # outlives its parent
            os._exit(0)
        os._exit(0)  # without closing

asyncio.run(main(sys.argv[1]))
"""


async def test_a_forked_child_neither_writes_nor_keeps_the_file_locked(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", FORKING, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert b"is a fork" in process.stdout.readline()
        process.wait()
        async with SqliteStore(path) as store:
            assert len(await store.newest(Selector("m", "v"))) == 1
