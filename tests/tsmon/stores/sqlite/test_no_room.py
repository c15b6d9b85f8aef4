"""When the disk is full or closed to us, nothing is half written, and writing works again afterwards."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.small_disk import small_disk
from tsmon.errors import StoreUnavailableError
from tsmon.stores import Bin, Newest, Selector
from tsmon.stores.sqlite import SqliteStore, backup, check

__all__ = ["small_disk"]

N = Selector("m", "n")
POINTS = 2_000


def batch(number: int) -> bytes:
    """Points, among them the first of a series and a field."""
    times = range(number * POINTS, (number + 1) * POINTS)
    lines = [f'm,a={time % 3} n={time}i,text="{"x" * 50}" {time}' for time in times]
    return "\n".join([f"log,batch={number} f{number}={number}i 1", *lines]).encode()


async def batches(store: SqliteStore) -> list[Bin]:
    return await store.bins(N, start_ns=0, stop_ns=10**12, every_ns=POINTS)


async def test_a_full_disk_refuses_whole_batches_until_there_is_room(small_disk: Path) -> None:
    path = small_disk / "data" / "tsmon.db"
    filler = small_disk / "filler"
    filler.write_bytes(b"\0" * 1_000_000)
    async with SqliteStore(path) as store:
        for number in range(100):
            try:
                await store.write(batch(number))
            except StoreUnavailableError as error:
                reason = str(error)
                break
        else:
            pytest.fail("the disk never became full")
        assert str(path) in reason
        assert "free" in reason
        assert [one.count for one in await batches(store)] == [POINTS] * number
        assert number > 0
        filler.unlink()
        await store.write(batch(number))
        assert [one.count for one in await batches(store)] == [POINTS] * (number + 1)
        [newest] = await store.newest(Selector("log", f"f{number}"))
        assert newest == Newest({"batch": str(number)}, 1, number)
    assert check(path) == []


async def test_no_room_for_a_new_file(small_disk: Path) -> None:
    filler = small_disk / "filler"
    with pytest.raises(OSError, match="No space"):
        filler.write_bytes(b"\0" * 4_000_000)
    store = SqliteStore(small_disk / "tsmon.db")
    with pytest.raises(StoreUnavailableError, match=r"tsmon\.db.*space"):
        await store.open()
    filler.unlink()
    async with store:
        await store.write(batch(0))


async def test_a_backup_for_which_there_is_no_room_leaves_nothing(small_disk: Path, tmp_path: Path) -> None:
    path, copy = tmp_path / "tsmon.db", small_disk / "copy.db"
    (small_disk / "filler").write_bytes(b"\0" * 2_800_000)
    async with SqliteStore(path) as store:
        for number in range(20):
            await store.write(batch(number))
        with pytest.raises(StoreUnavailableError, match=f"{copy}: .*free"):
            backup(path, copy)
    assert [file.name for file in small_disk.iterdir()] == ["filler"]


LIMITED = """
import asyncio, resource, sys
from tsmon.errors import StoreUnavailableError
from tests.tsmon.stores.sqlite.test_no_room import POINTS, batch, batches
from tsmon.stores.sqlite import SqliteStore

async def main():
    async with SqliteStore(sys.argv[1]) as store:
        await store.write(batch(0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
        number = 1
        try:
            while True:
                await store.write(batch(number))
                number += 1
        except StoreUnavailableError as error:
            print(error)
        assert [one.count for one in await batches(store)] == [POINTS] * number
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await store.write(batch(number))
        assert [one.count for one in await batches(store)] == [POINTS] * (number + 1)

asyncio.run(main())
"""


def test_a_limit_on_the_size_of_files_refuses_whole_batches_until_it_is_raised(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert str(path) in done.stdout
    assert "free space" in done.stdout
    assert check(path) == []


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions mean nothing to root, so act as nobody meanwhile."""
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


@pytest.fixture
def public_directory() -> Iterator[Path]:
    """A directory that anybody can reach, since pytest's own are for one user."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


async def test_a_directory_without_write_access_is_named(public_directory: Path) -> None:
    public_directory.chmod(0o555)
    for path in (public_directory / "tsmon.db", public_directory / "new" / "tsmon.db"):
        with unprivileged(), pytest.raises(StoreUnavailableError, match=r"Permission denied.*access") as caught:
            await SqliteStore(path).open()
        assert str(path) in str(caught.value)
    assert list(public_directory.iterdir()) == []


async def test_a_file_without_write_access_is_named(public_directory: Path) -> None:
    path = public_directory / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(b"m v=1 1")
    public_directory.chmod(0o777)
    Path(f"{path}.lock").chmod(0o666)
    path.chmod(0o444)
    with unprivileged(), pytest.raises(StoreUnavailableError, match="give this user write access") as caught:
        await SqliteStore(path).open()
    assert str(path) in str(caught.value)
    assert not list(public_directory.glob("*damaged*"))


async def test_a_file_in_a_directory_without_write_access_can_be_read(public_directory: Path) -> None:
    path = public_directory / "tsmon.db"
    async with SqliteStore(path) as store:
        await store.write(batch(0))
        path.chmod(0o644)
        public_directory.chmod(0o555)
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").chmod(0o644)
        with unprivileged():
            async with SqliteStore(path, read_only=True) as reader:
                assert [one.count for one in await batches(reader)] == [POINTS]
