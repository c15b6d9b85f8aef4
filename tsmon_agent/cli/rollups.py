"""The commands ``tsmon-agent setup`` and ``tsmon-agent rollups …``."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, say
from tsmon.errors import StoreError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile, Yes
from tsmon_agent.cli.progress_bar import progress_bar

if TYPE_CHECKING:
    from pathlib import Path

    from tsmon.stores import Store

rollups = typer.Typer(
    help="Maintain the rollups from which long charts and availability are computed.", no_args_is_help=True
)
app.add_typer(rollups, name="rollups")


@app.command()
def setup(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would be done, and do nothing.")] = False,
    shorter: Annotated[
        bool, typer.Option("--shorter", help="Also shorten the retention of buckets, which removes older rollups.")
    ] = False,
    settings: SettingsFile = None,
) -> None:
    """Create or update the buckets and tasks of rollups on an InfluxDB server; idempotent."""
    store = _configured_store(settings)
    if not store.needs_setup:
        say(f"{store} needs no setup: the agent creates it and maintains its rollups")
        return
    asyncio.run(_set_up(store, dry_run=dry_run, shorter=shorter))


async def _set_up(store: "Store", *, dry_run: bool, shorter: bool) -> None:
    from tsmon.stores.retention_policy import RetentionPolicy
    from tsmon_agent.upkeep.retention_terms import describe_status

    async with store:
        changes = await store.setup_changes(shorter=shorter)
        status = await store.read_retention(RetentionPolicy())
        if status is not None and shorter:
            status = replace(status, narrowings=(), unlisted_tiers=())
        for sentence in describe_status(status, on_server=True) if status is not None else ():
            say(sentence, err=True)
        with progress_bar() as report:
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
        str | None, typer.Option("--from", metavar="TIME", help="From this time on; by default the first point's.")
    ] = None,
    stop: Annotated[
        str | None, typer.Option("--to", metavar="TIME", help="Up to this time; by default now.")
    ] = None,
    settings: SettingsFile = None,
) -> None:
    """Compute rollups again from the stored points; windows whose points have expired stay as they are."""
    bounds = _parse_time_ns("--from", start), _parse_time_ns("--to", stop)
    asyncio.run(_rebuild(_configured_store(settings), measurement or [], *bounds))


async def _rebuild(store: "Store", names: Sequence[str], start_ns: int | None, stop_ns: int | None) -> None:
    async with store:
        with progress_bar() as report:
            windows = await store.rebuild_rollups(names, start_ns=start_ns, stop_ns=stop_ns, report=report)
        for name, number in windows.items():
            say(f"{name}: {number:,} windows")
        say(f"{store}: rebuilt")


@rollups.command()
def drop(
    width: Annotated[str, typer.Argument(metavar="WIDTH", help="Width of the windows, such as 1h.")],
    yes: Yes = False,
    settings: SettingsFile = None,
) -> None:
    """Remove a tier of rollups that the settings do not name any more, with all that only it holds."""
    from tsmon.settings.durations import parse_duration
    from tsmon.stores.factory import store_from
    from tsmon_agent.cli.retention import settle_now
    from tsmon_agent.settings import load_settings
    from tsmon_agent.upkeep.retention_terms import policy_of

    loaded = load_settings(settings)
    try:
        every_ns = parse_duration(width)
    except ValueError as error:
        raise StoreError(str(error)) from None
    tiers = loaded.rollups.effective_tiers
    if every_ns is None or any(tier.every_ns == every_ns for tier in tiers):
        raise StoreError(f"{width} is in rollups.tiers; remove it there first, else it is created again")
    store = store_from(loaded.monitoring, embedded=True, tiers=tiers)
    policy = policy_of(loaded.monitoring, loaded.streams)
    if not yes:
        confirm(f"Remove the rollups of {width} from {store}? What only they hold is lost.")
    asyncio.run(store.request_tier_drop(every_ns))
    asyncio.run(settle_now(store, loaded, policy, removes_points=False))
    say(f"{store}: no rollups of {width} any more")


def _configured_store(settings: "Path | None") -> "Store":
    from tsmon.stores.factory import store_from
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    return store_from(loaded.monitoring, embedded=True, tiers=loaded.rollups.effective_tiers)


def _parse_time_ns(option: str, text: str | None) -> int | None:
    from datetime import UTC, datetime

    from tsmon.line_protocol.times import to_time_ns

    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise StoreError(f"{option} {text}: give a time such as 2024-05-01T12:00:00Z") from None
    return to_time_ns(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
