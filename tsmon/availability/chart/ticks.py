"""Ticks of a time axis, at round times in UTC."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from tsmon.time_units import SECOND_NS

__all__ = ["Tick", "build_ticks"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_S: Final = 86_400

_MONTHS: Final = (1, 2, 3, 6, 12, 24, 60, 120, 240, 600)
_SECONDS: Final = (1, 5, 15, 60, 300, 900, 1_800, 3_600, 10_800, 21_600, 43_200, _DAY_S, 2 * _DAY_S, 7 * _DAY_S)


@dataclass(frozen=True, slots=True)
class Tick:
    """A line at ``x`` (percent of the axis) and its label; ``anchor`` keeps the label within the axis."""

    x: str
    label: str
    anchor: str


def build_ticks(start_ns: int, end_ns: int, most: int) -> list[Tick]:
    """Build up to ``most`` ticks of an axis from ``start_ns`` to ``end_ns``."""
    if start_ns >= end_ns:
        return []
    length_s = (end_ns - start_ns) / SECOND_NS
    step_s = next((step for step in _SECONDS if length_s / step <= most), None)
    if step_s is not None:
        times = list(_step_by_seconds(start_ns, end_ns, step_s))
        form = "%H:%M:%S" if step_s < 60 else "%H:%M" if step_s < _DAY_S else "%-d %b"
    else:
        months = next((step for step in _MONTHS if length_s / (step * 30.4 * _DAY_S) <= most), _MONTHS[-1])
        times = list(_step_by_months(start_ns, end_ns, months))
        form = "%Y" if months % 12 == 0 else "%b %Y"
    found: list[Tick] = []
    for time_ns in times:
        x = 100 * (time_ns - start_ns) / (end_ns - start_ns)
        moment = _EPOCH + timedelta(seconds=time_ns // SECOND_NS)
        label = f"{moment:{form}}"
        if step_s is not None:
            label = _add_day(moment, label, step_s, first=not found)
        found.append(Tick(f"{x:.4g}%", label, "start" if x < 4 else "end" if x > 96 else "middle"))
    return found


def _add_day(moment: datetime, label: str, step_s: int, *, first: bool) -> str:
    """Add the year to the first label, and the day to each label at its start."""
    if step_s < _DAY_S:
        return f"{moment:%-d %b %Y}" if first or moment.hour == moment.minute == moment.second == 0 else label
    return f"{label} {moment:%Y}" if first else label


def _step_by_seconds(start_ns: int, end_ns: int, step_s: int) -> Iterator[int]:
    step_ns = step_s * SECOND_NS
    time_ns = -(-start_ns // step_ns) * step_ns
    while time_ns <= end_ns:
        yield time_ns
        time_ns += step_ns


def _step_by_months(start_ns: int, end_ns: int, months: int) -> Iterator[int]:
    first = _EPOCH + timedelta(seconds=start_ns // SECOND_NS)
    number = (first.year * 12 + first.month - 1) // months * months
    while True:
        year, month = divmod(number, 12)
        number += months
        if year > 9999:
            return
        time_ns = (datetime(year, month + 1, 1, tzinfo=UTC) - _EPOCH) // timedelta(seconds=1) * SECOND_NS
        if time_ns > end_ns:
            return
        if time_ns >= start_ns:
            yield time_ns
