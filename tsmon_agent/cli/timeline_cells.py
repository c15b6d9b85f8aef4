"""The timeline of an instrument in characters, for terminals and files: a row each, told apart without colour."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from tsmon.availability import Appearance, Category, Interval, Report, Span
from tsmon.availability.json_measures import DEPLOYMENT_COLOR
from tsmon.logs.safe_text import escape_unprintable
from tsmon_agent.formatting import NO_BREAK
from tsmon_agent.streams.timelines.pieces import worst_category
from tsmon_agent.streams.timelines.ticks import build_ticks

__all__ = ["CHARACTERS", "axis_line", "deployments_line", "legend_lines", "stream_line"]

CHARACTERS: Final = {
    Category.NOT_EXPECTED: "·",
    Category.PRESENT: "█",
    Category.SPARSE_1: "▓",
    Category.SPARSE_2: "▒",
    Category.SPARSE_3: "░",
    Category.MISSING: "x",
}

TICK_WIDTH: Final = 13


def stream_line(report: Report, start_ns: int, end_ns: int, width: int) -> Text:
    """A stream in so many characters; one that several categories fall into shows the worst, so no gap is lost."""
    line = Text()
    for category in _cells(report.intervals, start_ns, end_ns, width):
        line.append(CHARACTERS[category], style=_style(report.rules.appearances, category))
    return line


def deployments_line(spans: Iterable[Span], start_ns: int, end_ns: int, width: int) -> Text:
    """The deployments, each with the last digit of its number."""
    cells = [" "] * width
    for span in spans:
        if span.deployment is not None and span.start_ns < end_ns and start_ns < span.end_ns:
            low, high = (_place(edge, start_ns, end_ns, width) for edge in (span.start_ns, span.end_ns))
            for index in range(low, max(min(high, width), low + 1)):
                cells[min(index, width - 1)] = str(abs(span.deployment.number) % 10)
    return Text("".join(cells), style=DEPLOYMENT_COLOR)


def axis_line(start_ns: int, end_ns: int, width: int) -> str:
    """Times along the row, each beginning where it is."""
    line = ""
    for tick in build_ticks(start_ns, end_ns, max(width // TICK_WIDTH, 1)):
        place = min(int(float(tick.x.rstrip("%")) / 100 * width), width - 1)
        label = f"|{tick.label}"
        if place >= len(line) + bool(line) and place + cell_len(label) <= width:
            line = line.ljust(place) + label
    return line.ljust(width)


def legend_lines(appearances: Sequence[Appearance], width: int) -> list[Text]:
    """What each character means, in lines of at most so many characters that break between two of them."""
    lines: list[Text] = []
    for category in Category:
        name = f" {escape_unprintable(appearances[category].name)}".replace(" ", NO_BREAK)
        entry = Text.assemble((CHARACTERS[category], _style(appearances, category)), name)
        if lines and lines[-1].cell_len + 2 + entry.cell_len <= width:
            lines[-1] = Text.assemble(lines[-1], "  ", entry)
        else:
            lines.append(entry)
    return lines


def _cells(intervals: Iterable[Interval], start_ns: int, end_ns: int, width: int) -> list[Category]:
    cells = [Category.NOT_EXPECTED] * width
    for one in intervals:
        if one.end_ns <= start_ns or end_ns <= one.start_ns or one.start_ns == one.end_ns:
            continue
        low = _place(one.start_ns, start_ns, end_ns, width)
        # The cell in which it ends is touched, unless it ends just where that begins.
        high = -(-(min(one.end_ns, end_ns) - start_ns) * width // (end_ns - start_ns))
        for index in range(low, max(high, low + 1)):
            cells[index] = worst_category(cells[index], one.category)
    return cells


def _place(time_ns: int, start_ns: int, end_ns: int, width: int) -> int:
    return min(
        max((time_ns - start_ns) * width // (end_ns - start_ns), 0), width - 1 if time_ns < end_ns else width
    )


def _style(appearances: Sequence[Appearance], category: Category) -> str:
    return "dim" if category is Category.NOT_EXPECTED else appearances[category].color
