"""A chart of matplotlib, which is imported when one is drawn."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from tsmon.availability.categories import Category
from tsmon.availability.chart.rows import ChartRow
from tsmon.availability.chart.styles import STYLES
from tsmon.availability.deployments import Span
from tsmon.availability.json_measures import DEPLOYMENT_COLOR
from tsmon.errors import AvailabilityError
from tsmon.logs.safe_text import escape_unprintable
from tsmon.time_units import DAY_NS

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["plot_rows"]

BAR: Final = 0.8
"""Height of a full bar; rows are 1 apart."""

ROW_INCHES: Final = 0.45
OUTLINE: Final = "lightgrey"
HATCHING: Final = "///"


def plot_rows(
    rows: Sequence[ChartRow], spans: Iterable[Span], start_ns: int, end_ns: int, axes: "Axes | None" = None
) -> "Axes":
    """Draw several streams with the same deployments into ``axes``, by default those of a new figure."""
    dates, pyplot, patches = _import_matplotlib()
    figure = None
    if axes is None:
        figure, axes = pyplot.subplots(figsize=(10, ROW_INCHES * (len(rows) + 1) + 1.4), layout="constrained")
    assert axes is not None
    if not hasattr(axes, "broken_barh"):
        raise AvailabilityError(f"axes is of type {type(axes).__name__}; give one Axes, or none")
    names = ["Deployments", *(escape_unprintable(row.name) for row in rows)]
    edges = [
        (max(span.start_ns, start_ns), min(span.end_ns, end_ns)) for span in spans if span.deployment is not None
    ]
    bars = [(_to_days(low), _to_days(high) - _to_days(low)) for low, high in edges if low < high]
    axes.broken_barh(bars, (-0.2, 0.4), facecolor=DEPLOYMENT_COLOR, edgecolor="white")
    for number, row in enumerate(rows, 1):
        for category in Category:  # Missing comes last, so on top.
            style, color = STYLES[category], row.appearances[category].color
            bars = [
                (_to_days(one.start_ns), (one.end_ns - one.start_ns) / DAY_NS)
                for one in row.intervals
                if one.category is category
            ]
            extent = (number + BAR / 2, -BAR * style.height / 100)  # The axis points downwards.
            look: dict[str, Any] = {"color": color}
            if style.outlined:
                look = {"facecolor": "none", "edgecolor": OUTLINE}
            axes.broken_barh(bars, extent, linewidth=0.8, gid=category.name, **look)  # A narrow one is a line.
            if style.hatched:
                axes.broken_barh(bars, extent, facecolor="none", edgecolor="white", linewidth=0, hatch=HATCHING)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    if _to_days(start_ns) < _to_days(end_ns):
        axes.set_xlim(_to_days(start_ns), _to_days(end_ns))
    locator = dates.AutoDateLocator(tz="UTC")
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz="UTC"))
    axes.set_xlabel("UTC")
    handles = [
        patches.Patch(
            facecolor="none" if STYLES[category].outlined else look.color,
            edgecolor=OUTLINE if STYLES[category].outlined else "white",
            hatch=HATCHING if STYLES[category].hatched else None,
            label=escape_unprintable(look.name),
        )
        for category, look in zip(Category, rows[0].appearances, strict=True)
    ]
    if figure is not None:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
    else:
        axes.legend(handles=handles, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, frameon=False)
    axes.format_coord = lambda x, y: _describe(rows, x, y)  # type: ignore[method-assign] # matplotlib's own way
    return axes


def _to_days(time_ns: int) -> float:
    return time_ns / DAY_NS


def _describe(rows: Sequence[ChartRow], x: float, y: float) -> str:
    """The interval under the pointer, for the tool bar of an interactive figure."""
    number = round(y) - 1
    if not 0 <= number < len(rows):
        return ""
    intervals, time_ns = rows[number].intervals, round(x * DAY_NS)
    index = bisect_right(intervals, time_ns, key=lambda one: one.start_ns) - 1
    return str(intervals[index]) if index >= 0 else ""


def _import_matplotlib() -> tuple[Any, Any, Any]:
    try:
        from matplotlib import dates, patches, pyplot
    except ImportError:
        raise AvailabilityError("matplotlib is not installed; install it: pip install matplotlib") from None
    return dates, pyplot, patches
