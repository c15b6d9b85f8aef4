"""Which points are refused, which are stored, and what the error says."""

import time
from pathlib import Path

import pytest

from tsmon.errors import StoreRefusedError
from tsmon.stores import Bin, Newest, Selector
from tsmon.stores.sqlite import SqliteStore
from tsmon.stores.sqlite.catalogue import MAX_FIELDS

V = Selector("m", "v")


async def refused(store: SqliteStore, *lines: str | bytes) -> StoreRefusedError:
    data = b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines)
    with pytest.raises(StoreRefusedError) as caught:
        await store.write(data)
    return caught.value


async def count(store: SqliteStore, selector: Selector = V) -> int:
    bins = await store.bins(selector, start_ns=0, stop_ns=2**62, every_ns=2**62)
    return sum(one.count for one in bins)


async def test_the_first_refused_line_is_named_and_all_are_counted(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        error = await refused(store, "m v=1 1", "", "# comment", "m v=2i 2", "m v= 3", "m v=4 4", "nothing")
        assert error.lines == 3
        assert "line 4: field 'v' of measurement 'm' is of type integer, but was first written as float" in str(
            error
        )
        assert await count(store) == 2


async def test_line_numbers_count_newlines_in_strings(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        error = await refused(store, 'm text="one\ntwo\nthree" 1', "m v=1 2", "m v=x 3")
        assert "line 5: field 'v' has the invalid value 'x'" in str(error)
        assert await count(store) == 1


async def test_a_batch_of_which_nothing_is_good_changes_nothing(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        assert (await refused(store, "m", "m v=", "m v=18446744073709551615u 1")).lines == 3
        size = await store.size()
        assert (size.series, dict(size.rows)) == (0, {})


async def test_a_line_that_is_not_utf8_is_refused_and_the_others_stored(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        error = await refused(store, "m,a=größe v=1 1", b'm text="\xff" 2', "m v=3 3")
        assert error.lines == 1
        assert "line 2: byte 0xff is not UTF-8" in str(error)
        assert await count(store) == 2


async def test_unsigned_is_a_type_of_its_own_up_to_a_signed_ones_range(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        error = await refused(
            store, "m v=9223372036854775807u 1", "m v=9223372036854775808u 2", "m v=1i 3", "m v=0u 4"
        )
        assert error.lines == 2
        assert "line 2: field 'v' of measurement 'm' is 9223372036854775808, above 9223372036854775807" in str(
            error
        )
        assert await count(store) == 2


async def test_a_refused_point_leaves_no_series_and_no_field(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(b"m v=1 1")
        await refused(store, "m,new=1 v=1i,w=2 2")
        assert (await store.size()).series == 1
        await store.write(b'm w="of any type" 3')


async def test_types_are_remembered_after_reopening(tmp_path: Path) -> None:
    for types in ("1", "1i", "true", '"s"'), ("1", "2i", "false", '"t"'):
        async with SqliteStore(tmp_path / "tsmon.db") as store:
            await store.write(f"m f={types[0]},i={types[1]},b={types[2]},s={types[3]} 1".encode())
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        assert (await refused(store, "m f=1i 1", "m i=1 1", "m b=1i 1", "m s=true 1", "m i=1u 1")).lines == 5


async def test_a_measurement_has_as_many_fields_as_a_table_has_columns(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(f"m {','.join(f'f{n}={n}' for n in range(MAX_FIELDS - 1))} 1".encode())
        error = await refused(store, "m last=1i 2", "m v=1 3", "m f1=1,w=1 4", "m f2=5 5")
        assert error.lines == 2
        assert f"line 2: measurement 'm' would have more than {MAX_FIELDS} fields" in str(error)
        assert "as a tag" in str(error)
        assert await store.newest(Selector("m", "last")) == [Newest({}, 2, 1)]
        assert await store.newest(Selector("m", "f2")) == [Newest({}, 5, 5.0)]
        await store.write(f"m {','.join(f'f{n}={n}' for n in range(MAX_FIELDS - 1))},last=2i 1".encode())


async def test_lines_without_a_time_get_that_of_the_write(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        before = time.time_ns()
        await store.write(b"m,a=1 v=1\nm,a=2 v=2")
        first, second = await store.newest(V)
        assert before <= first.time_ns == second.time_ns <= time.time_ns()


@pytest.mark.parametrize(
    "text", ["\0", "a\0b", "\0\0", "x\0", "tab\tand\rreturn\r\n", "\x01\x7f\x85\u2028", "'; --"]
)
async def test_strings_are_kept_to_the_character(tmp_path: Path, text: str) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(f'm text="{text}" 1'.encode())
        assert await store.newest(Selector("m", "text")) == [Newest({}, 1, text)]


@pytest.mark.parametrize("name", ["time_ns", "series", "rowid", "c1", "sqlite_master", "m1", "[a", '["a"', "?"])
async def test_names_that_mean_something_elsewhere_are_ordinary_names(tmp_path: Path, name: str) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(f"{name},{name}={name},z=1 {name}=1 1\n{name},{name}=x {name}=2 2".encode())
        selector = Selector(name, name, {name: name})
        assert await store.newest(selector) == [Newest({name: name, "z": "1"}, 1, 1.0)]


async def test_the_range_of_times_is_whole(tmp_path: Path) -> None:
    last = 2**63 - 2
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        await store.write(f"m v=1 {-last}\nm v=2 {last}".encode())
        every = 3_600 * 10**9
        assert await store.bins(V, start_ns=-(10**30), stop_ns=10**30, every_ns=every) == [
            Bin(-last // every * every, -last, -last, 1),
            Bin(last // every * every, last, last, 1),
        ]
        wide = 10**30
        assert await store.bins(V, start_ns=-wide, stop_ns=wide, every_ns=wide) == [
            Bin(-wide, -last, -last, 1),
            Bin(0, last, last, 1),
        ]


async def test_an_impossible_window_is_the_callers_mistake(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        with pytest.raises(ValueError, match="not positive"):
            await store.bins(V, start_ns=0, stop_ns=1, every_ns=0)


async def test_more_series_than_the_writer_remembers(tmp_path: Path) -> None:
    async with SqliteStore(tmp_path / "tsmon.db") as store:
        lines = [f"m,id={n} v={n} 1" for n in range(20_000)]
        for _ in range(2):
            await store.write("\n".join(lines).encode())
        assert await count(store) == 20_000
        assert await store.newest(Selector("m", "v", {"id": "777"})) == [Newest({"id": "777"}, 1, 777.0)]
