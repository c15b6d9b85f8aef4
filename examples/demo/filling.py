"""Writes the history to a directory, once: the tables of streams and deployments, and the store."""

import csv
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from examples.demo.history import make_deployments, make_lines, make_stretches
from examples.demo.instruments import DAY, INSTRUMENTS
from tsmon.stores.sqlite import SqliteStore
from tsmon_agent.settings import Settings

__all__ = ["fill"]

YEAR: Final = 365.25 * DAY


async def fill(settings: Settings, years: float) -> None:
    """Create the files that the settings name; each appears complete or not at all."""
    store, expected, deployed = settings.monitoring.file, settings.streams.expected, settings.streams.deployments
    assert store is not None
    assert expected is not None
    assert deployed is not None
    began = time.monotonic()
    now = int(time.time()) // 60 * 60
    start = now - round(years * YEAR)
    print(f"filling {Path.cwd()} with {years:g} years of data", flush=True)
    with TemporaryDirectory(prefix="filling-", dir=".") as made:
        temporary = Path(made)
        _write_table(temporary / expected, _stream_rows())
        _write_table(temporary / deployed, _deployment_rows(start, now))
        async with SqliteStore(temporary / store, tiers=settings.rollups.effective_tiers) as filled:
            total = 0
            for instrument in INSTRUMENTS:
                points = 0
                for stream in instrument.streams:
                    for stretch in make_stretches(instrument, stream, start, now):
                        data = make_lines(instrument, stream, stretch)
                        await filled.write("\n".join(data).encode())
                        points += len(data)
                # Long charts are drawn from rollups.
                await filled.refresh_rollups()
                print(f"  {instrument.designator}  {points:>9,} points", flush=True)
                total += points
        # The store comes last: if it exists, everything does.
        for file in (expected, deployed, store):
            (temporary / file).replace(file)
    print(f"{total:,} points in {time.monotonic() - began:.0f} s", flush=True)


def _stream_rows() -> Iterator[list[object]]:
    yield [
        "reference designator",
        "method",
        "stream",
        "expected rate (Hz)",
        "warn interval",
        "fail interval",
        "enabled",
    ]
    for instrument in INSTRUMENTS:
        for one in instrument.streams:
            rate = f"{1 / one.period:.6g}"
            enabled = "yes" if one.enabled else "no"
            yield [instrument.designator, one.method, one.name, rate, one.warn, one.fail, enabled]


def _deployment_rows(start: int, now: int) -> Iterator[list[object]]:
    yield ["reference designator", "number", "start", "end"]
    for instrument in INSTRUMENTS:
        for number, (begin, end) in enumerate(make_deployments(instrument.site, start, now), 1):
            yield [instrument.designator, number, _format_time(begin), "" if end is None else _format_time(end)]


def _format_time(time_s: int) -> str:
    return datetime.fromtimestamp(time_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _write_table(file: Path, rows: Iterator[list[object]]) -> None:
    with file.open("w", newline="") as table:
        csv.writer(table, lineterminator="\n").writerows(rows)
