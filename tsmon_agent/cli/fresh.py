"""The command ``tsmon-agent fresh``."""

import asyncio
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tsmon.cli.terminal import print_json, print_table, say
from tsmon_agent.cli.options import AsJson, SettingsFile

if TYPE_CHECKING:
    from tsmon_agent.settings import Settings
    from tsmon_agent.streams.freshness import JudgedStream

__all__ = ["fresh"]

EXIT_CODES: Final = {"degraded": 1, "failed": 2, "silent host": 2}


def fresh(
    reference_designator: Annotated[
        str | None, typer.Argument(metavar="[REFDES]", help="Only streams of this instrument.")
    ] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """Say how fresh expected streams are now; exit with 1 if any is degraded, with 2 if any has failed."""
    from tsmon_agent.settings import load_settings

    found = asyncio.run(_look(load_settings(settings), reference_designator))
    if as_json:
        print_json([_plain(one) for one in found])
    elif found:
        titles = ("", "state", "reference designator", "method", "stream", "newest", "age (s)", "Hz", "expected")
        print_table(titles, map(_cells, found))
    else:
        say("no stream is expected; tsmon-agent streams load reads a table of them")
    code = max((EXIT_CODES.get(one.status.label, 0) for one in found), default=0)
    if code:
        raise typer.Exit(code)


async def _look(settings: "Settings", reference_designator: str | None) -> "list[JudgedStream]":
    import time

    from tsmon.errors import UnknownNameError
    from tsmon.stores.factory import store_from
    from tsmon_agent.state import State
    from tsmon_agent.state.location import state_url
    from tsmon_agent.streams.freshness import FreshnessWatch

    # The agent may be writing the store.
    store = store_from(settings.monitoring, embedded=True).reader()
    async with State(state_url(settings)) as state, store:
        watch = FreshnessWatch(state, round(settings.freshness.silent_after * 1e9))
        await watch.update(store, time.time_ns(), remember=False)
        if watch.rates_error is not None:
            say(f"tsmon-agent: some rates are not known: {watch.rates_error}", err=True)
    found = [one for one in watch.streams if reference_designator in (None, one.reference_designator)]
    if reference_designator is not None and not found:
        raise UnknownNameError(
            f"no stream of {reference_designator} is expected; tsmon-agent streams list shows all"
        )
    return found


def _cells(one: "JudgedStream") -> tuple[str, ...]:
    from tsmon_agent.streams.inventory.cell_parsing import format_exact_time

    age = "" if one.age_ns is None else f"{one.age_ns / 1e9:,.0f}"
    names = one.reference_designator, one.method, one.stream
    rates = ("" if rate is None else f"{rate:.4g}" for rate in (one.rate, one.expected_rate))
    return one.status.symbol, one.status.label, *names, format_exact_time(one.newest_ns), age, *rates


def _plain(one: "JudgedStream") -> dict[str, Any]:
    return {
        "reference_designator": one.reference_designator,
        "method": one.method,
        "stream": one.stream,
        "state": one.status.label,
        "newest_ns": one.newest_ns,
        "age": None if one.age_ns is None else one.age_ns / 1e9,
        "rate": one.rate,
        "expected_rate": one.expected_rate,
    }
