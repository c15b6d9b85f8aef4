"""The timeline of an instrument on a terminal: rows for deployments and streams, a legend, and figures."""

import os
from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from rich.text import Text

from tsmon.availability import EXACT, Report, compute_spans, compute_timeline, format_time
from tsmon.cli.terminal import console, say
from tsmon.logs.safe_text import escape_unprintable
from tsmon_agent.cli.timeline_cells import build_axis_line, build_deployments_line, build_legend, build_stream_line
from tsmon_agent.streams.timelines.rows import build_timeline_rows

if TYPE_CHECKING:
    from tsmon_agent.streams.availability.instrument import Instrument

__all__ = ["print_timeline"]

WIDTH: Final = 100
"""Columns of output into a file or a pipe, unless COLUMNS is set."""

NAMES_SHARE: Final = 3
"""Names take at most one third of the width."""


def print_timeline(
    instrument: "Instrument", reports: Sequence[Report], start_ns: int | None, end_ns: int | None, now_ns: int
) -> None:
    """Draw a timeline; by default from the start of the first deployment until now, or the end of the last one."""
    rules = reports[0].rules if reports else EXACT
    found = compute_timeline([], compute_spans(instrument.deployments, rules, now_ns=now_ns), rules)
    start_ns, end_ns = found.resolve_range(start_ns, end_ns)
    if start_ns >= end_ns:
        say(f"nothing is expected of {instrument.designator} then; see tsmon-agent deployments list")
        return
    out = console(_choose_width())
    titles = [escape_unprintable(one.title) for one in instrument.streams]
    names_width = min(max(map(len, ("deployments", *titles))), out.width // NAMES_SHARE)
    width = max(out.width - names_width - 1, 1)

    def print_sentence(text: str) -> None:
        # Unlike rich, textwrap breaks no line at a no-break space, which keeps a number and its unit together.
        for line in wrap(escape_unprintable(text), out.width):
            out.print(Text(line), soft_wrap=True)

    def print_row(name: str, line: Text) -> None:
        label = Text(name)
        label.truncate(names_width, overflow="ellipsis", pad=True)
        out.print(label, line, soft_wrap=True)

    print_sentence(f"{instrument.designator}, {format_time(start_ns)} to {format_time(end_ns)} UTC")
    print_row("", Text(build_axis_line(start_ns, end_ns, width)))
    print_row("deployments", build_deployments_line(found.spans, start_ns, end_ns, width))
    for title, report in zip(titles, reports, strict=True):
        print_row(title, build_stream_line(report, start_ns, end_ns, width))
    if not reports:
        say("all of its streams are disabled; tsmon-agent streams enable enables them")
        return
    for line in build_legend(rules.appearances, out.width):
        out.print(line, soft_wrap=True)
    for row, report in zip(build_timeline_rows(instrument, reports, start_ns, end_ns), reports, strict=True):
        separation = "" if report.separation_ns is None else f", {row.separation} apart on average"
        print_sentence(row.summary + separation)


def _choose_width() -> int:
    columns = os.environ.get("COLUMNS", "")[:5]
    return int(columns) if columns.isascii() and columns.isdecimal() and int(columns) else WIDTH
