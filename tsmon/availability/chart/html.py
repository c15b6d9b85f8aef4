"""A chart for notebooks: HTML that needs no script, no style sheet and no other host.

Rows are drawn as SVG in the text's own colour, so that light and dark notebooks show them. Categories differ by
height and lines as well as by colour; each piece has a text for the pointer, and a table lists the intervals.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from html import escape
from typing import Final

from tsmon.availability.categories import Appearance, Category
from tsmon.availability.chart.pieces import build_deployment_pieces, build_pieces
from tsmon.availability.chart.rows import ChartRow
from tsmon.availability.chart.styles import STYLES
from tsmon.availability.chart.ticks import build_ticks
from tsmon.availability.deployments import Span
from tsmon.availability.interval import Interval
from tsmon.availability.json_measures import DEPLOYMENT_COLOR
from tsmon.availability.time_format import format_time_exactly, format_time_range
from tsmon.logs.safe_text import escape_unprintable_lines

__all__ = ["MOST_LISTED", "build_html"]

WIDTH: Final = 1_000
LABEL_HEIGHT: Final = 18
BAR_HEIGHT: Final = 22
DEPLOYMENTS_HEIGHT: Final = 12
AXIS_HEIGHT: Final = 22
MOST_TICKS: Final = 8

MOST_LISTED: Final = 200
"""Intervals in the table of a stream; more are counted."""

HATCHING: Final = (
    '<pattern id="tsmon-hatching" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<line y2="6" stroke="#fff" stroke-width="2.5"/></pattern>'
)


def build_html(rows: Sequence[ChartRow], spans: Iterable[Span], start_ns: int, end_ns: int) -> str:
    """The chart of several streams with the same deployments, from ``start_ns`` to ``end_ns``."""
    start, end = format_time_range(start_ns, end_ns)
    if start_ns >= end_ns:
        return f"<p>{_escape(', '.join(row.name for row in rows))}: nothing is expected at any time</p>"
    drawn, height = [], 0
    for label, bar, pieces in (
        ("Deployments", DEPLOYMENTS_HEIGHT, _draw_deployments(spans, start_ns, end_ns)),
        *((row.name, BAR_HEIGHT, _draw_stream(row, start_ns, end_ns)) for row in rows),
    ):
        drawn.append(f'<text y="{height + LABEL_HEIGHT - 5}" fill="currentColor">{_escape(label)}</text>')
        drawn.append(f'<svg y="{height + LABEL_HEIGHT}" width="{WIDTH}" height="{bar}">{"".join(pieces)}</svg>')
        height += LABEL_HEIGHT + bar
    chart = (
        f'<svg viewBox="0 0 {WIDTH} {height + AXIS_HEIGHT}" width="100%" style="max-width: {WIDTH}px; '
        f'font: 12px sans-serif" role="img" aria-label="{start} to {end} UTC"><defs>{HATCHING}</defs>'
        f"{''.join(_draw_ticks(start_ns, end_ns, height))}{''.join(drawn)}</svg>"
    )
    tables = "".join(_list_intervals(row) for row in rows)
    return f"<div><p>{start} to {end} UTC</p>{chart}{_build_legend(rows[0].appearances)}{tables}</div>"


def _draw_ticks(start_ns: int, end_ns: int, height: int) -> Iterator[str]:
    for tick in build_ticks(start_ns, end_ns, MOST_TICKS):
        yield f'<line x1="{tick.x}" x2="{tick.x}" y2="{height + 4}" stroke="currentColor" stroke-opacity="0.3"/>'
        yield (
            f'<text x="{tick.x}" y="{height + 17}" fill="currentColor" text-anchor="{tick.anchor}">'
            f"{_escape(tick.label)}</text>"
        )


def _draw_deployments(spans: Iterable[Span], start_ns: int, end_ns: int) -> Iterator[str]:
    for piece in build_deployment_pieces(spans, start_ns, end_ns, _describe_deployment):
        yield (
            f'<rect x="{piece.x}" width="{piece.width}" height="100%" fill="{DEPLOYMENT_COLOR}" stroke="#fff">'
            f"<title>{_escape(piece.text)}</title></rect>"
        )


def _draw_stream(row: ChartRow, start_ns: int, end_ns: int) -> Iterator[str]:
    for piece in build_pieces(row.intervals, start_ns, end_ns, partial(_describe, row.appearances)):
        style = STYLES[Category(piece.kind)]
        place = f'x="{piece.x}" y="{style.y}%" width="{piece.width}" height="{style.height}%"'
        fill = "none" if style.outlined else row.appearances[piece.kind].color
        stroke = ' stroke="currentColor" stroke-opacity="0.3"' if style.outlined else ""
        hatching = f'<rect {place} fill="url(#tsmon-hatching)" pointer-events="none"/>' if style.hatched else ""
        yield (
            f'<rect {place} fill="{fill}" pointer-events="all"{stroke}><title>{_escape(piece.text)}</title></rect>'
            f"{hatching}"
        )


def _describe_deployment(number: int, span: Span) -> str:
    start, end = format_time_range(span.start_ns, span.end_ns)
    return f"Deployment {number}\n{start} to {end} UTC"


def _describe(appearances: Sequence[Appearance], group: Sequence[Interval]) -> str:
    start, end = format_time_range(group[0].start_ns, group[-1].end_ns)
    extent = f"{start} to {end} UTC"
    if len(group) > 1:
        names = [
            appearances[category].name for category in Category if any(one.category is category for one in group)
        ]
        return f"{len(group)} short intervals\n{extent}\n{', '.join(names)}"
    isolated = f"\n{group[0].isolated:,} isolated" if group[0].isolated else ""
    return f"{appearances[group[0].category].name}\n{extent}\n{group[0].count:,} points{isolated}"


def _build_legend(appearances: Sequence[Appearance]) -> str:
    entries = []
    for category in Category:
        style, look = STYLES[category], appearances[category]
        fill = "none" if style.outlined else look.color
        hatching = '<rect width="18" height="12" fill="url(#tsmon-hatching)"/>' if style.hatched else ""
        swatch = (
            f'<rect y="{style.y}%" width="18" height="{style.height}%" fill="{fill}" stroke="currentColor" '
            f'stroke-opacity="0.3"/>{hatching}'
        )
        entries.append(
            f'<span style="white-space: nowrap; margin-right: 1.5em" title="{_escape(look.text)}">'
            f'<svg width="18" height="12" aria-hidden="true">{swatch}</svg> {_escape(look.name)}</span> '
        )
    return f'<p style="font: 12px sans-serif">{"".join(entries)}</p>'


def _list_intervals(row: ChartRow) -> str:
    cells = "".join(
        f"<tr><td>{format_time_exactly(one.start_ns)}</td><td>{format_time_exactly(one.end_ns)}</td>"
        f"<td>{_escape(row.appearances[one.category].name)}</td><td>{one.count:,}</td></tr>"
        for one in row.intervals[:MOST_LISTED]
    )
    left = len(row.intervals) - MOST_LISTED
    more = f"<p>and {left:,} more; tsmon.frames.to_pandas(report) has all of them</p>" if left > 0 else ""
    number = f"{len(row.intervals):,} interval{'s' * (len(row.intervals) != 1)}"
    return (
        f"<details><summary>{_escape(row.name)}: {number}</summary><table><thead><tr><th>start</th><th>end</th>"
        f"<th>category</th><th>points</th></tr></thead><tbody>{cells}</tbody></table>{more}</details>"
    )


def _escape(text: str) -> str:
    return escape(escape_unprintable_lines(text))
