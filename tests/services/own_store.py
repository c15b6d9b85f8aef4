"""A store of one's own: lines in a list."""

import asyncio
from collections.abc import Sequence

from tsmon.line_protocol import parse
from tsmon.line_protocol.parser import ParsedPoint
from tsmon.stores import Bin, Newest, Selector, Series, Store, Values

__all__ = ["OwnStore"]


class OwnStore(Store):
    """Takes lines, or raises the next of ``errors``; ``gate`` holds up writes while it is clear."""

    def __init__(self, errors: Sequence[Exception] = ()) -> None:
        self.errors = list(errors)
        self.batches: list[bytes] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.writing = asyncio.Event()
        self.closed = False

    @property
    def lines(self) -> list[str]:
        return [line for batch in self.batches for line in batch.decode().split("\n")]

    async def open(self) -> None:
        pass

    async def check(self) -> None:
        pass

    async def write(self, lines: bytes) -> None:
        self.writing.set()
        await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        self.batches.append(lines)

    async def bins(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Bin]:
        raise NotImplementedError

    async def newest(self, selector: Selector) -> list[Newest]:
        raise NotImplementedError

    async def series(self, selector: Selector, *, start_ns: int, stop_ns: int, every_ns: int) -> list[Series]:
        raise NotImplementedError

    async def values(self, selector: Selector, *, start_ns: int, stop_ns: int) -> list[Values]:
        raise NotImplementedError

    async def close(self) -> None:
        self.closed = True

    @property
    def recorded(self) -> list[ParsedPoint]:
        """Points of requests and errors, in the order in which they were written."""
        points = parse(b"\n".join(self.batches))
        return [point for point in points if point.measurement in ("requests", "errors")]
