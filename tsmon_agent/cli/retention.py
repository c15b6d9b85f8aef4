"""The commands ``tsmon-agent retention …``: how long the store keeps what it holds, and what is to be removed."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tsmon.cli.terminal import confirm, say
from tsmon.errors import StoreError, StoreUnavailableError
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import SettingsFile, Yes

if TYPE_CHECKING:
    from tsmon.stores import Selector, Store
    from tsmon.stores.retention_policy import RetentionPolicy, RetentionStatus
    from tsmon_agent.settings import Settings

__all__ = ["settle_now"]

retention = typer.Typer(
    help="Show how long points and rollups are kept, and decide on what is about to be removed.",
    no_args_is_help=True,
)
app.add_typer(retention, name="retention")


@retention.command()
def show(settings: SettingsFile = None) -> None:
    """Print the retention in force, what is about to become shorter, and which series are kept as streams are."""
    from tsmon_agent.upkeep.retention_terms import describe_status, format_keep

    store, _, _, status = _read(settings)
    say(f"{store}: points are kept {format_keep(status.in_force.points_ns)}")
    say(f"points of expected streams are kept {format_keep(status.in_force.streams_ns)}")
    for sentence in describe_status(status, on_server=store.needs_setup):
        say(sentence)
    for one in status.streams:
        say(f"kept as an expected stream: {_format(one)}")


@retention.command()
def apply(yes: Yes = False, settings: SettingsFile = None) -> None:
    """Apply a shorter retention of the settings now, instead of after 7 days; it removes what is older."""
    from tsmon_agent.upkeep.retention_terms import describe_narrowing

    store, loaded, policy, status = _read(settings)
    if not status.narrowings:
        say(f"{store}: nothing is about to become shorter")
        return
    if store.needs_setup:
        raise StoreError(f"the retention of {store} is that of its buckets; see tsmon-agent setup --shorter")
    for one in status.narrowings:
        say(describe_narrowing(one), err=True)
    if not yes:
        confirm("Remove that now? It cannot be undone.")
    asyncio.run(store.confirm_retention(policy))
    asyncio.run(settle_now(store, loaded, policy, removes_points=True))


@retention.command()
def release(
    series: Annotated[
        str, typer.Argument(metavar="SERIES", help="As retention show prints it: measurement,tag=value")
    ],
    yes: Yes = False,
    settings: SettingsFile = None,
) -> None:
    """Let series that were kept as an expected stream expire like all others; the stream must not be expected."""
    from tsmon.stores import parse_selector
    from tsmon_agent.cli.import_retention import load_stream_selectors
    from tsmon_agent.upkeep.retention_terms import format_keep

    store, loaded, policy, status = _read(settings)
    wanted = parse_selector(series)
    kept = {_format(one): one for one in status.streams}
    found = kept.get(_format(wanted))
    if found is None:
        raise StoreError(f"{_format(wanted)} is not kept as a stream in {store}; see tsmon-agent retention show")
    if any(_format(one) == _format(found) for one in load_stream_selectors(loaded)):
        raise StoreError(f"a stream is expected of {_format(found)}; remove it first: tsmon-agent streams remove")
    if not yes:
        confirm(f"Keep points of {_format(found)} {format_keep(policy.points_ns)} only, and remove older ones?")
    asyncio.run(store.release_streams(found))
    say(f"{_format(found)} is kept {format_keep(policy.points_ns)} from now on")


async def settle_now(
    store: "Store", settings: "Settings", policy: "RetentionPolicy", *, removes_points: bool
) -> None:
    """Apply what was confirmed, unless an agent writes the store, which then does it."""
    from tsmon_agent.cli.import_retention import load_stream_selectors
    from tsmon_agent.upkeep.retention_terms import describe_removed

    def report(points: Mapping[str, int], rollups: Mapping[int, int]) -> None:
        say(f"removed {describe_removed(points, rollups) or 'nothing'} from {store}")

    try:
        await store.open()
    except StoreUnavailableError:
        say(f"confirmed; the agent that writes {store} applies it within ten minutes")
        return
    try:
        await store.keep_streams(load_stream_selectors(settings))
        in_force = (await store.settle_retention(policy)).in_force
        if removes_points:
            await store.apply_retention(in_force.points_ns, streams_keep_ns=in_force.streams_ns, report=report)
    finally:
        await store.close()


def _read(settings: Path | None) -> "tuple[Store, Settings, RetentionPolicy, RetentionStatus]":
    from tsmon.stores.factory import store_from
    from tsmon_agent.settings import load_settings
    from tsmon_agent.upkeep.retention_terms import policy_of

    loaded = load_settings(settings)
    store = store_from(loaded.monitoring, embedded=True, tiers=loaded.rollups.effective_tiers)
    policy = policy_of(loaded.monitoring, loaded.streams)
    status = asyncio.run(store.read_retention(policy))
    if status is None:
        raise StoreError(f"{store} holds nothing yet, or has a retention of its own; there is nothing to show")
    return store, loaded, policy, status


def _format(one: "Selector") -> str:
    from tsmon.stores import Selector
    from tsmon.stores.selectors import format_selector

    return format_selector(Selector(one.measurement, "x", one.tags)).removesuffix(" x")
