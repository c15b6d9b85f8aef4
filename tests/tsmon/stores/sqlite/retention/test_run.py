"""Old points go, in steps; what is left without points goes too, and the space comes back."""

import asyncio
from pathlib import Path

import pytest

from tsmon.stores import Bin, Newest, Selector
from tsmon.stores.sqlite import SqliteStore, check

S = 1_000_000_000
V = Selector("m", "v")


async def fill(store: SqliteStore, points: int, series: int, measurement: str = "m") -> None:
    lines = (f'{measurement},n={n % series} v={n},text="{"x" * 80}" {n * S}' for n in range(points))
    await store.write("\n".join(lines).encode())


async def test_points_older_than_kept_are_removed_and_counted(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await fill(store, 100, 3)
        assert await store.apply_retention(40 * S, now_ns=100 * S) == 60
        assert await store.bins(V, start_ns=0, stop_ns=10**18, every_ns=10**18) == [Bin(0, 60 * S, 99 * S, 40)]
        assert await store.apply_retention(40 * S, now_ns=100 * S) == 0


async def test_more_than_one_step_of_points_and_series(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await fill(store, 30_000, 2)
        await fill(store, 3_000, 1_500, "many")
        assert await store.apply_retention(1_000 * S, now_ns=30_000 * S) == 29_000 + 3_000
        size = await store.size()
        assert (size.series, dict(size.rows)) == (2, {"m": 1_000})
    assert check(path) == []


async def test_the_file_becomes_smaller(tmp_path: Path) -> None:
    path = tmp_path / "tsmon.db"
    async with SqliteStore(path) as store:
        await fill(store, 20_000, 4)
        before = path.stat().st_size + Path(f"{path}-wal").stat().st_size
        await store.apply_retention(100 * S, now_ns=20_000 * S)
        assert path.stat().st_size < before / 10


async def test_series_and_measurements_without_points_are_forgotten(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(f"old,a=1 v=1i {S}\nm,a=1 v=1 {S}\nm,a=2 v=2 {S}\nm,a=2 v=3 {5 * S}".encode())
        assert await store.apply_retention(2 * S, now_ns=5 * S) == 3
        size = await store.size()
        assert (size.series, dict(size.rows)) == (1, {"m": 1})
        # Written again, even with another type, nothing of the old is in the way.
        await store.write(f'old,a=1 v="text" {6 * S}\nm,a=1 v=4 {6 * S}'.encode())
        assert await store.newest(Selector("old", "v")) == [Newest({"a": "1"}, 6 * S, "text")]
        assert await store.newest(V) == [Newest({"a": "1"}, 6 * S, 4.0), Newest({"a": "2"}, 5 * S, 3.0)]


async def test_everything_may_go(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await fill(store, 6_000, 5)
        assert await store.apply_retention(1) == 6_000
        size = await store.size()
        assert (size.series, dict(size.rows)) == (0, {})
        await fill(store, 10, 5)
        assert len(await store.newest(V)) == 5


async def test_writes_come_in_between(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await fill(store, 30_000, 2)
        retention = asyncio.create_task(store.apply_retention(S, now_ns=10**6 * S))
        written = 0
        while not retention.done():
            await store.write(f"m,n=0 v=1 {10**6 * S + written}\nm,n={written} w=1i {10**6 * S}".encode())
            written += 1
        assert await retention == 30_000
        assert written > 5
        assert len(await store.newest(Selector("m", "w"))) == written
        [one] = await store.bins(V, start_ns=0, stop_ns=10**18, every_ns=10**18)
        assert one.count == written


async def test_series_that_are_removed_may_be_written_again_before_the_end(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await fill(store, 3_000, 3_000)
        retention = asyncio.create_task(store.apply_retention(S, now_ns=10**6 * S))
        written = 0
        while not retention.done():
            await store.write(f"m,n={written % 50} v=1 {10**6 * S + written}".encode())
            written += 1
        assert await retention == 3_000
        assert await store.bins(V, start_ns=0, stop_ns=10**18, every_ns=10**18) == [
            Bin(0, 10**6 * S, 10**6 * S + written - 1, written)
        ]


async def test_the_present_is_taken_where_no_time_is_given(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(b"m v=1 1\nm v=2")
        assert await store.apply_retention(3_600 * S) == 1


async def test_a_very_long_time_keeps_everything(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(b"m v=1 -9223372036854775806")
        assert await store.apply_retention(10**30) == 0
        with pytest.raises(ValueError, match="not positive"):
            await store.apply_retention(0)
