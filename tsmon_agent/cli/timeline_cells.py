"""The timeline of an instrument in characters, whose categories are distinct without colour."""

from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.text import Text

from tsmon.availability import Appearance, Category, Interval, Report, Span
from tsmon.availability.chart.narrow_intervals import worst_category
from tsmon.availability.chart.ticks import build_ticks
from tsmon.availability.json_measures import DEPLOYMENT_COLOR
from tsmon.logs.safe_text import escape_unprintable
from tsmon_agent.formatting import NO_BREAK

__all__ = ["CHARACTERS", "build_axis_line", "build_deployments_line", "build_legend", "build_stream_line"]

CHARACTERS: Final = {
    Category.NOT_EXPECTED: "·",
    Category.PRESENT: "█",
    Category.SPARSE_1: "▓",
    Category.SPARSE_2: "▒",
    Category.SPARSE_3: "░",
    Category.MISSING: "x",
}

TICK_WIDTH: Final = 13


def build_stream_line(report: Report, start_ns: int, end_ns: int, width: int) -> Text:
    """Draw a stream in ``width`` characters; each shows the worst category of its time, so that no gap is lost."""
    line = Text()
    for category in _build_cells(report.intervals, start_ns, end_ns, width):
        line.append(CHARACTERS[category], style=_style_of(report.rules.appearances, category))
    return line


def build_deployments_line(spans: Iterable[Span], start_ns: int, end_ns: int, width: int) -> Text:
    """Draw the deployments, each as the last digit of its number."""
    cells = [" "] * width
    for span in spans:
        if span.deployment is not None and span.start_ns < end_ns and start_ns < span.end_ns:
            low, high = (_locate(edge, start_ns, end_ns, width) for edge in (span.start_ns, span.end_ns))
            for index in range(low, max(min(high, width), low + 1)):
                cells[min(index, width - 1)] = str(abs(span.deployment.number) % 10)
    return Text("".join(cells), style=DEPLOYMENT_COLOR)


def build_axis_line(start_ns: int, end_ns: int, width: int) -> str:
    """Write times along the row, each starting at its place."""
    line = ""
    for tick in build_ticks(start_ns, end_ns, max(width // TICK_WIDTH, 1)):
        place = min(int(float(tick.x.rstrip("%")) / 100 * width), width - 1)
        label = f"|{tick.label}"
        if place >= len(line) + bool(line) and place + cell_len(label) <= width:
            line = line.ljust(place) + label
    return line.ljust(width)


def build_legend(appearances: Sequence[Appearance], width: int) -> list[Text]:
    """Explain each character, in lines of at most ``width`` characters that break between entries."""
    lines: list[Text] = []
    for category in Category:
        name = f" {escape_unprintable(appearances[category].name)}".replace(" ", NO_BREAK)
        entry = Text.assemble((CHARACTERS[category], _style_of(appearances, category)), name)
        if lines and lines[-1].cell_len + 2 + entry.cell_len <= width:
            lines[-1] = Text.assemble(lines[-1], "  ", entry)
        else:
            lines.append(entry)
    return lines


def _build_cells(intervals: Iterable[Interval], start_ns: int, end_ns: int, width: int) -> list[Category]:
    cells = [Category.NOT_EXPECTED] * width
    for one in intervals:
        if one.end_ns <= start_ns or end_ns <= one.start_ns or one.start_ns == one.end_ns:
            continue
        low = _locate(one.start_ns, start_ns, end_ns, width)
        # The cell in which it ends counts, unless it ends exactly at the cell's start.
        high = -(-(min(one.end_ns, end_ns) - start_ns) * width // (end_ns - start_ns))
        for index in range(low, max(high, low + 1)):
            cells[index] = worst_category(cells[index], one.category)
    return cells


def _locate(time_ns: int, start_ns: int, end_ns: int, width: int) -> int:
    return min(
        max((time_ns - start_ns) * width // (end_ns - start_ns), 0), width - 1 if time_ns < end_ns else width
    )


def _style_of(appearances: Sequence[Appearance], category: Category) -> str:
    return "dim" if category is Category.NOT_EXPECTED else appearances[category].color
