"""The commands ``tsmon-agent setup`` and ``tsmon-agent rollups …``."""

import asyncio
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import say
from tsmon.errors import StoreError
from tsmon_agent.cli.options import SettingsFile

if TYPE_CHECKING:
    from tsmon.stores.influxdb import InfluxStore
    from tsmon.stores.rollup_tiers import RollupTier
    from tsmon.stores.sqlite import SqliteStore

__all__ = ["rollups", "setup"]

rollups = typer.Typer(
    help="Look after summaries that long charts and availability are read from.", no_args_is_help=True
)

Report = Callable[[str, int, int], None]


def setup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")] = False,
    settings: SettingsFile = None,
) -> None:
    """Make the buckets and tasks of rollups on an InfluxDB server, or bring them up to date; may be repeated."""
    from tsmon.stores.factory import store_from
    from tsmon.stores.influxdb import InfluxStore
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    store = store_from(loaded.monitoring, embedded=True)
    if not isinstance(store, InfluxStore):
        say(f"{store} needs no setup: the agent makes it, and keeps up its rollups by itself")
        return
    asyncio.run(
        _set_up(store, loaded.rollups.effective_tiers, create=loaded.monitoring.create_bucket, dry_run=dry_run)
    )


async def _set_up(store: "InfluxStore", tiers: "tuple[RollupTier, ...]", *, create: bool, dry_run: bool) -> None:
    from tsmon.stores.influxdb.rollup_tasks import changes_needed

    async with store:
        bucket = store.connection.bucket
        if await store.bucket(bucket) is None:
            if not create:
                raise StoreError(f"{store} has no such bucket; create it, or set monitoring.create_bucket = true")
            say(f"create bucket {bucket!r}")
            if dry_run:
                return
            await store.create_bucket()
        changes = await changes_needed(store, tiers)
        with _shown() as report:
            for change in changes:
                say(change.text)
                if not dry_run:
                    await change.apply(report)
        if not changes:
            say(f"{store} is up to date")


@rollups.command()
def rebuild(
    measurement: Annotated[
        list[str] | None,
        typer.Option("--measurement", "-m", metavar="NAME", help="Only this one; may be repeated."),
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="From this time on; the first point.")
    ] = None,
    stop: Annotated[str | None, typer.Option("--to", metavar="TIME", help="Up to this time; now.")] = None,
    settings: SettingsFile = None,
) -> None:
    """Compute rollups again from the points that are there; those whose points have gone stay as they are."""
    from tsmon.stores.factory import store_from
    from tsmon.stores.influxdb import InfluxStore
    from tsmon.stores.sqlite import SqliteStore
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    bounds = _time_ns("--from", start), _time_ns("--to", stop)
    store = store_from(loaded.monitoring, embedded=True, tiers=loaded.rollups.effective_tiers)
    if isinstance(store, InfluxStore):
        asyncio.run(_rebuild(store, measurement, *bounds))
    elif isinstance(store, SqliteStore):
        if measurement or start or stop:
            raise StoreError("the embedded store is rebuilt whole; leave out --measurement, --from and --to")
        asyncio.run(_rebuild_file(store))


async def _rebuild(
    store: "InfluxStore", names: list[str] | None, start_ns: int | None, stop_ns: int | None
) -> None:
    from tsmon.stores.influxdb.rollup_tasks import first_time_ns, recompute

    async with store:
        known = {one.measurement: one for one in await store.rollups.all()}
        if not known:
            raise StoreError(f"nothing is rolled up on {store}; run tsmon-agent setup first")
        for name in names or sorted(known):
            if name not in known:
                raise StoreError(f"{name} is not rolled up; there are {', '.join(sorted(known))}")
            first_ns = await first_time_ns(store, name) if start_ns is None else start_ns
            if first_ns is None:
                continue
            end_ns = time.time_ns() if stop_ns is None else stop_ns
            widths = [one.every_ns for one in await store.rollups.all() if one.measurement == name]
            whole = sum(max(end_ns - first_ns, 0) // width for width in widths)
            done = 0
            with _shown() as report:

                def step(windows: int, name: str = name, whole: int = whole) -> None:
                    nonlocal done
                    done += windows
                    report(name, min(done, whole), whole)

                await recompute(store, name, first_ns, end_ns, done=step)
            say(f"{name}: {done:,} windows")


async def _rebuild_file(store: "SqliteStore") -> None:
    async with store:
        with _shown() as report:
            await store.rebuild_rollups(lambda done, whole: report("rollups", done, whole))
    say(f"{store}: rebuilt")


def _time_ns(option: str, text: str | None) -> int | None:
    from datetime import UTC, datetime

    from tsmon.line_protocol.values import to_time_ns

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StoreError(f"{option} {text}: give a time such as 2024-05-01T12:00:00Z") from None
    return to_time_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


@contextmanager
def _shown() -> Iterator[Report]:
    """Tells how far something is: a bar on a terminal, else nothing."""
    if not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda name, done, whole: bar.update(task, description=name, completed=done, total=whole)
