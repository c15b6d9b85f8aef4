"""The command ``tsmon-agent fresh``: how fresh streams are now."""

import asyncio
import time
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from tsmon.cli.terminal import say
from tsmon_agent.cli.app import app
from tsmon_agent.cli.listing import print_list
from tsmon_agent.cli.options import AsJson, SettingsFile
from tsmon_agent.cli.reading import open_for_reading

if TYPE_CHECKING:
    from tsmon_agent.settings import Settings
    from tsmon_agent.streams.freshness import JudgedStream

EXIT_CODES: Final = {"degraded": 1, "failed": 2, "silent host": 2}


@app.command()
def fresh(
    reference_designator: Annotated[
        str | None, typer.Argument(metavar="REFDES", help="Only streams of this instrument.")
    ] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> None:
    """List how fresh expected streams are now; exit with 1 if any is degraded, with 2 if any has failed."""
    from tsmon_agent.settings import load_settings

    found = asyncio.run(_judge(load_settings(settings), reference_designator))
    print_list(
        found,
        as_json=as_json,
        to_json=_to_json,
        titles=(
            "",
            "state",
            "reference designator",
            "method",
            "stream",
            "newest",
            "age (s)",
            "rate (Hz)",
            "expected (Hz)",
        ),
        to_cells=_format_cells,
        if_empty="no streams are expected; load a table of them with tsmon-agent streams load FILE",
    )
    code = max((EXIT_CODES.get(one.status.label, 0) for one in found), default=0)
    if code:
        raise typer.Exit(code)


async def _judge(settings: "Settings", reference_designator: str | None) -> "list[JudgedStream]":
    from tsmon.errors import UnknownNameError
    from tsmon_agent.streams.freshness import FreshnessWatch

    async with open_for_reading(settings) as (state, store):
        watch = FreshnessWatch(state, round(settings.freshness.silent_after * 1e9))
        await watch.update(store, time.time_ns(), remember=False)
    if watch.rates_error is not None:
        say(f"tsmon-agent: some rates are not known: {watch.rates_error}", err=True)
    found = [one for one in watch.streams if reference_designator in (None, one.reference_designator)]
    if reference_designator is not None and not found:
        raise UnknownNameError(f"no stream is expected of {reference_designator!r}; see tsmon-agent streams list")
    return found


def _format_cells(one: "JudgedStream") -> tuple[str, ...]:
    from tsmon_agent.state.times import format_exact_time

    age = "" if one.age_ns is None else f"{one.age_ns / 1e9:,.0f}"
    names = one.reference_designator, one.method, one.stream
    rates = ("" if rate is None else f"{rate:.4g}" for rate in (one.rate, one.expected_rate))
    return one.status.symbol, one.status.label, *names, format_exact_time(one.newest_ns), age, *rates


def _to_json(one: "JudgedStream") -> dict[str, Any]:
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
