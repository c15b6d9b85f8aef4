"""The trees of an SQLite file: which pages belong to which table, and the rows in them.

A page is trusted as a whole or not at all: if anything in it contradicts itself, none of its rows is returned,
because what a damaged page says of a value cannot be distinguished from what was stored.
"""

import contextlib
import re
import struct
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

from tsmon.stores.sqlite.pages.page_file import PageFile
from tsmon.stores.sqlite.pages.records import MalformedError, RecordReader, Value, read_varint

__all__ = ["Row", "SchemaEntry", "TreePages", "Trees", "read_schema"]

INTERIOR_TABLE: Final = 0x05
LEAF_TABLE: Final = 0x0D
INTERIOR_INDEX: Final = 0x02
LEAF_INDEX: Final = 0x0A
KINDS: Final = (INTERIOR_INDEX, INTERIOR_TABLE, LEAF_INDEX, LEAF_TABLE)
INTERIOR: Final = (INTERIOR_INDEX, INTERIOR_TABLE)
TABLE: Final = (INTERIOR_TABLE, LEAF_TABLE)

DEPTH: Final = 24
"""No tree is deeper."""

_carved: Final = re.compile(
    rb"table(m\d+(?:_r\d+)?|measurements|fields|series|rungs|marks|partial|thawed)\1(.{1,4}?)CREATE TABLE \1[ (]",
    re.DOTALL,
)
"""An entry of a table of ours: type, name, name again, number of the first page, statement."""


class Row(NamedTuple):
    """Values of a row; ``rowid`` is None in an index and in a table without rowids."""

    rowid: int | None
    values: list[Value]


class SchemaEntry(NamedTuple):
    """One entry of the schema: ``table`` or ``index``, its name, the table that it belongs to, its first page."""

    type: str
    name: str
    table: str
    root: int


@dataclass(slots=True)
class TreePages:
    """The pages of one tree: those to read, and how many that belong to it are unreadable."""

    pages: "array[int]" = field(default_factory=lambda: array("Q"))
    lost: int = 0


class Trees:
    """Finds the pages of each tree once, from its root and by the map of pointers; then yields rows."""

    def __init__(self, file: PageFile) -> None:
        self.file = file
        """The file."""
        self._records = RecordReader()
        self._trees: dict[int, TreePages] = {}
        self._claimed = bytearray(file.page_count + 1)

    def find(self, root: int) -> TreePages:
        """The pages of a tree."""
        for _ in self.walk(root):
            pass
        return self._trees[root]

    def walk(self, root: int) -> Iterator[None]:
        """As :meth:`find`, in small steps."""
        if root in self._trees:
            return
        tree = self._trees[root] = TreePages()
        waiting = [(root, 0)]
        while waiting:
            yield
            number, depth = waiting.pop()
            if depth > DEPTH or not 1 <= number <= self.file.page_count or self._claimed[number]:
                tree.lost += depth > 0 and not 1 <= number <= self.file.page_count
                continue
            known = self.file.parent(number)
            if known is not None and known[0] != (1 if number == root else 5):
                continue  # a pointer into another tree, or to a free page, is damage of the page that has it
            page = self.file.page(number)
            self._claimed[number] = 1
            start = _start(number)
            if page is None or page[start] not in KINDS:
                tree.lost += 1
                continue
            tree.pages.append(number)
            if page[start] in INTERIOR:
                with contextlib.suppress(MalformedError):
                    children = [int.from_bytes(page[at : at + 4]) for at in _cells(page, start, 12)]
                    last = int.from_bytes(page[start + 8 : start + 12])
                    waiting += [(child, depth + 1) for child in (last, *reversed(children))]

    def find_unreachable(self) -> Iterator[None]:
        """Add pages whose way from the root is damaged to the trees that the map of pointers assigns them to.

        Call this after :meth:`find` for every root; it looks at every page, in small steps.
        """
        owners: dict[int, int | None] = {}
        for number in range(2, self.file.page_count + 1):
            yield
            known = None if self._claimed[number] else self.file.parent(number)
            if known is None or known[0] not in (1, 5):
                continue
            root = self._climb(number, owners)
            tree = None if root is None else self._trees.get(root)
            if tree is None:
                continue
            self._claimed[number] = 1
            page = self.file.page(number)
            if page is not None and page[0] in KINDS:
                tree.pages.append(number)
            else:
                tree.lost += 1

    def rows(self, root: int) -> Iterator[list[Row] | None]:
        """The rows of a tree, a page at a time; None for a page that cannot be trusted."""
        tree = self.find(root)
        for number in tree.pages:
            try:
                yield self._read(number)
            except MalformedError:
                yield None

    def _climb(self, number: int, owners: dict[int, int | None]) -> int | None:
        """Root of the tree that a page belongs to."""
        way = []
        root: int | None = None
        for _ in range(DEPTH):
            if number in owners:
                root = owners[number]
                break
            way.append(number)
            known = self.file.parent(number)
            if known is None or known[0] not in (1, 5):
                break
            if known[0] == 1 or known[1] == 1:
                root = number if known[0] == 1 else 1
                break
            number = known[1]
        owners.update(dict.fromkeys(way, root))
        return root

    def _read(self, number: int) -> list[Row]:
        """Rows of a page; raises :class:`MalformedError` if any part of it contradicts itself."""
        page = self.file.page(number)
        start = _start(number)
        if page is None or page[start] not in KINDS:
            raise MalformedError("no page of a tree")
        kind = page[start]
        is_interior, is_table = kind in INTERIOR, kind in TABLE
        usable = self.file.usable
        rows: list[Row] = []
        extents: list[tuple[int, int]] = []
        previous: int | None = None
        for cell in _cells(page, start, 12 if is_interior else 8):
            at = cell + 4 if is_interior else cell
            try:
                if is_interior and is_table:
                    _, end = read_varint(page, at)
                    extents.append((cell, end))
                    continue
                size, at = read_varint(page, at)
                rowid: int | None = None
                if is_table:
                    unsigned, at = read_varint(page, at)
                    rowid = unsigned - (1 << 64) if unsigned >= 1 << 63 else unsigned
            except IndexError:
                raise MalformedError("a cell that is cut off") from None
            local = _local_bytes(size, usable, is_table=is_table)
            end = at + local + (4 if local < size else 0)
            if end > usable or size == 0:
                raise MalformedError("a cell beyond its page")
            extents.append((cell, max(end, cell + 4)))
            payload = page[at : at + local]
            if local < size:
                whole = self._follow(payload, size, int.from_bytes(page[at + local : at + local + 4]))
                if whole is None:
                    continue  # the page itself is intact
                payload = whole
            if is_table and rowid is not None:
                if previous is not None and rowid <= previous:
                    raise MalformedError("rows that are not in order")
                previous = rowid
            rows.append(Row(rowid, self._records.read(payload)))
        extents.sort()
        if any(end > following for (_, end), (following, _) in pairwise(extents)):
            raise MalformedError("cells that overlap")
        return rows

    def _follow(self, first: bytes, size: int, following: int) -> bytes | None:
        """A payload that continues on further pages; None if they are damaged."""
        parts, missing = [first], size - len(first)
        while missing > 0:
            known = self.file.parent(following)
            page = self.file.page(following)
            if page is None or (known is not None and known[0] not in (3, 4)):
                return None
            part = page[4 : min(self.file.usable, 4 + missing)]
            parts.append(part)
            missing -= len(part)
            following = int.from_bytes(page[:4])
        is_erased = parts[-1].startswith(b"\0" * 64)
        return None if following or is_erased else b"".join(parts)


def read_schema(trees: Trees, *, carve: bool = True) -> list[SchemaEntry]:
    """Tables and indexes; with ``carve``, also those whose entries can be found in the bytes of a damaged page."""
    found, is_whole = _read_entries(trees)
    if carve and not is_whole:
        for _ in trees.find_unreachable():
            pass
        found, _ = _read_entries(trees)
        for entry in _carve(trees.file):
            found.setdefault(entry.name, entry)
    return list(found.values())


def _read_entries(trees: Trees) -> tuple[dict[str, SchemaEntry], bool]:
    """The entries by name, and whether all could be read."""
    found: dict[str, SchemaEntry] = {}
    is_whole = not trees.find(1).lost
    for rows in trees.rows(1):
        is_whole &= rows is not None
        for _, values in rows or ():
            match values:
                case [bytes(type_), bytes(name), bytes(table), int(root), *_] if root > 1:
                    texts = [one.decode(errors="replace") for one in (type_, name, table)]
                    found[texts[1]] = SchemaEntry(texts[0], texts[1], texts[2], root)
    return found, is_whole and bool(found)


def _carve(file: PageFile) -> Iterator[SchemaEntry]:
    """Entries in the bytes of the first page, whatever its structure says."""
    for name, root in _carved.findall(file.page(1) or b""):
        yield SchemaEntry("table", name.decode(), name.decode(), int.from_bytes(root))


def _start(number: int) -> int:
    """Where the head of a page of a tree begins; the first page begins with the file's header."""
    return 100 if number == 1 else 0


def _cells(page: bytes, start: int, head: int) -> Sequence[int]:
    """Positions of the cells of a page; raises :class:`MalformedError`."""
    count, content = int.from_bytes(page[start + 3 : start + 5]), int.from_bytes(page[start + 5 : start + 7])
    first = start + head
    if first + 2 * count > (content or 65_536) or (content or 65_536) > len(page):
        raise MalformedError("a page whose parts overlap")
    cells = struct.unpack_from(f">{count}H", page, first)
    if cells and not (content <= min(cells) and max(cells) < len(page) - 3):
        raise MalformedError("a cell beyond its page")
    return cells


def _local_bytes(size: int, usable: int, *, is_table: bool) -> int:
    """How much of a payload is in the page itself; the rest is on further pages."""
    most = usable - 35 if is_table else (usable - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (usable - 12) * 32 // 255 - 23
    local = least + (size - least) % (usable - 4)
    return local if local <= most else least
