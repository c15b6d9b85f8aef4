"""Flux of the panels that count events or weigh one sum against another, over all series of a kind.

Each part is summed per series and window by the storage and added up over the series after that; a ratio is one
of such sums, so that busy series weigh what they should. Every part reads from its own ``from``, which alone is
pushed down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tsmon.points import Point
from tsmon.stores.influxdb.queries import quote
from tsmon_agent.dashboards.flux import read

__all__ = ["Part", "per_second", "ratio", "ratio_in_range", "row_per"]

_WINDOW: Final = "int(v: v.windowPeriod)"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that is added up: a name, what is read, and what is taken of it."""

    name: str
    reading: str
    function: Literal["count", "sum", "max"]

    @property
    def over_series(self) -> str:
        """Function that joins the series' results."""
        return "sum" if self.function == "count" else self.function


def per_second(point: type[Point], counted: str, *, where: Mapping[str, str], by: Sequence[str]) -> str:
    """Rate of the points of a class, told by a field that all have, for each combination of the tags ``by``.

    It is of whole windows: with the one that is not over yet, the newest rate would always be low.
    """
    start, stop = (
        f"time(v: int(v: v.{end}) / {_WINDOW} * {_WINDOW})" for end in ("timeRangeStart", "timeRangeStop")
    )
    part = Part("counted", read(point, counted, where=where, start=start, stop=stop), "count")
    return (
        f"{_windows(part, by, zeros=True)}"
        f"  |> map(fn: (r) => ({{r with _value: float(v: r._value) * 1000000000.0 / float(v: {_WINDOW})}}))\n"
    )


def ratio(numerator: Part, denominator: Part, by: Sequence[str]) -> str:
    """``numerator / denominator`` per window for each combination of ``by``; null where nothing is to divide by."""
    parts = [_named(part.name, _windows(part, by, zeros=False)) for part in (numerator, denominator)]
    return "\n".join(parts) + "\n" + _divided(numerator, denominator, by, time="_time")


def ratio_in_range(numerator: Part, denominator: Part) -> str:
    """``numerator / denominator`` over everything in the time range."""
    parts = [_named(part.name, _total(part, ("_start", "_stop"))) for part in (numerator, denominator)]
    return "\n".join(parts) + "\n" + _divided(numerator, denominator, (), time="_stop")


def row_per(tag: str, parts: Sequence[Part], more: Mapping[str, str], columns: Mapping[str, str]) -> str:
    """One table with a row per value of a tag; columns are formulas over ``r.<name>`` of the parts in total.

    ``more`` gives streams with a value per tag that are no sums, by name.
    """
    streams = [_named(part.name, _total(part, (tag,))) for part in parts]
    streams += [_named(name, stream) for name, stream in more.items()]
    names = ", ".join([*(part.name for part in parts), *more])
    made = ", ".join(f"{quote(name)}: {formula}" for name, formula in columns.items())
    return (
        "\n".join(streams) + f"\nunion(tables: [{names}])\n"
        f"  |> group(columns: [{quote(tag)}])\n"
        f'  |> pivot(rowKey: [{quote(tag)}], columnKey: ["part"], valueColumn: "_value")\n'
        "  |> group()\n"
        f"  |> map(fn: (r) => ({{{quote(tag)}: r[{quote(tag)}], {made}}}))\n"
        f"  |> sort(columns: [{quote(tag)}])\n"
    )


def _windows(part: Part, by: Sequence[str], *, zeros: bool) -> str:
    """Windows without a point are zero (of a count), else null."""
    first, second = ("true", "false") if zeros else ("false", "true")
    return (
        f"{part.reading}"
        f"  |> aggregateWindow(every: v.windowPeriod, fn: {part.function}, "
        f'timeSrc: "_start", createEmpty: {first})\n'
        f"  |> group(columns: [{_quoted(*by, '_start', '_stop')}])\n"
        f"  |> aggregateWindow(every: v.windowPeriod, fn: {part.over_series}, createEmpty: {second})\n"
    )


def _total(part: Part, by: Sequence[str]) -> str:
    return (
        f"{part.reading}  |> {part.function}()\n  |> group(columns: [{_quoted(*by)}])\n  |> {part.over_series}()\n"
    )


def _named(name: str, stream: str) -> str:
    return f'{name} = {stream}  |> toFloat()\n  |> set(key: "part", value: {quote(name)})\n'


def _divided(numerator: Part, denominator: Part, by: Sequence[str], *, time: str) -> str:
    kept = "".join(f"{quote(tag)}: r[{quote(tag)}], " for tag in by)
    top, bottom = numerator.name, denominator.name
    # Without a single point in the range a part has no column at all; nothing counted of something is zero.
    share = f"(if exists r.{top} then r.{top} else 0.0) / r.{bottom}"
    return (
        f"union(tables: [{top}, {bottom}])\n"
        f"  |> group(columns: [{_quoted(*by, '_start', '_stop')}])\n"
        f'  |> pivot(rowKey: ["{time}"], columnKey: ["part"], valueColumn: "_value")\n'
        f"  |> map(fn: (r) => ({{{kept}_start: r._start, _stop: r._stop, _time: r.{time}, _value: {share}}}))\n"
    )


def _quoted(*keys: str) -> str:
    return ", ".join(map(quote, keys))
