"""Flux of the panels that count events or divide sums, over all series of a kind.

The storage sums each part per series and window; the sums are then added over the series. A ratio is one of such
sums, so busy series have their proper weight. Each part reads from its own ``from``, since only that is pushed
down. No window is infinite; see :mod:`tsmon.stores.influxdb.whole_windows`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from tsmon.points import Point
from tsmon.stores.influxdb.queries import quote
from tsmon.stores.influxdb.whole_windows import WIDEST_NS
from tsmon_agent.dashboards.flux import read

__all__ = ["Part", "per_second", "ratio", "ratio_in_range", "rows_by"]

_WINDOW: Final = "int(v: v.windowPeriod)"


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a formula: a name, the pipeline that reads it, and its aggregate function."""

    name: str
    reading: str
    function: Literal["count", "sum", "max"]

    @property
    def over_series(self) -> str:
        """The function that combines the results of the series."""
        return "sum" if self.function == "count" else self.function


def per_second(point: type[Point], counted: str, *, where: Mapping[str, str], by: Sequence[str]) -> str:
    """Rate of points of a class, counted by a field that all have, for each combination of the tags ``by``.

    Covers whole windows only: in an incomplete window, the newest rate would always be too low.
    """
    start, stop = (_floor(f"v.{end}") for end in ("timeRangeStart", "timeRangeStop"))
    part = Part("counted", read(point, counted, where=where, start=start, stop=stop), "count")
    return (
        f"{_windows(part, by, zeros=True)}"
        f"  |> map(fn: (r) => ({{r with _value: float(v: r._value) * 1000000000.0 / float(v: {_WINDOW})}}))\n"
    )


def ratio(numerator: Part, denominator: Part, by: Sequence[str]) -> str:
    """``numerator / denominator`` per window for each combination of ``by``; null if the denominator is."""
    parts = [_assign(part.name, _windows(part, by, zeros=False)) for part in (numerator, denominator)]
    return "\n".join(parts) + "\n" + _divide(numerator, denominator, by, time="_time")


def ratio_in_range(numerator: Part, denominator: Part) -> str:
    """``numerator / denominator`` over the whole time range."""
    parts = [_assign(part.name, _total(part, ("_start", "_stop"))) for part in (numerator, denominator)]
    return "\n".join(parts) + "\n" + _divide(numerator, denominator, (), time="_stop")


def rows_by(tag: str, parts: Sequence[Part], more: Mapping[str, str], columns: Mapping[str, str]) -> str:
    """One table with a row per value of a tag; columns are formulas over ``r.<name>``, the totals of the parts.

    ``more`` are further streams by name, with one value per tag, such as quantiles.
    """
    streams = [_assign(part.name, _total(part, (tag,))) for part in parts]
    streams += [_assign(name, stream) for name, stream in more.items()]
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
    """Aggregate per window; windows without points are zero if ``zeros``, else null."""
    first, second = ("true", "false") if zeros else ("false", "true")
    return (
        f"{part.reading}"
        f"  |> aggregateWindow(every: v.windowPeriod, fn: {part.function}, "
        f'timeSrc: "_start", createEmpty: {first})\n'
        f"  |> group(columns: [{_quote_all(*by, '_start', '_stop')}])\n"
        f"  |> aggregateWindow(every: v.windowPeriod, fn: {part.over_series}, createEmpty: {second})\n"
    )


def _total(part: Part, by: Sequence[str]) -> str:
    return (
        f"{part.reading}"
        f"  |> aggregateWindow(every: {WIDEST_NS}ns, fn: {part.function}, createEmpty: false)\n"
        f"  |> group(columns: [{_quote_all(*by)}])\n"
        f"  |> {part.over_series}()\n"
    )


def _floor(time: str) -> str:
    """The start of a time's window; Flux divides towards zero, which is up before 1970."""
    whole = f"int(v: {time}) / {_WINDOW} * {_WINDOW}"
    return f"time(v: if {whole} > int(v: {time}) then {whole} - {_WINDOW} else {whole})"


def _assign(name: str, stream: str) -> str:
    return f'{name} = {stream}  |> toFloat()\n  |> set(key: "part", value: {quote(name)})\n'


def _divide(numerator: Part, denominator: Part, by: Sequence[str], *, time: str) -> str:
    kept = "".join(f"{quote(tag)}: r[{quote(tag)}], " for tag in by)
    top, bottom = numerator.name, denominator.name
    # A part without any point in the range has no column; its count is zero.
    share = f"(if exists r.{top} then r.{top} else 0.0) / r.{bottom}"
    return (
        f"union(tables: [{top}, {bottom}])\n"
        f"  |> group(columns: [{_quote_all(*by, '_start', '_stop')}])\n"
        f'  |> pivot(rowKey: ["{time}"], columnKey: ["part"], valueColumn: "_value")\n'
        f"  |> map(fn: (r) => ({{{kept}_start: r._start, _stop: r._stop, _time: r.{time}, _value: {share}}}))\n"
    )


def _quote_all(*keys: str) -> str:
    return ", ".join(map(quote, keys))
