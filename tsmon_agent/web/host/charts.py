"""The charts of the host: which lines they have, and of which fields."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from tsmon.points import Point

__all__ = ["CHARTS", "Chart", "Line"]

Unit = Literal["percent", "bytes", "bytes/s", "number"]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chart: a field, or the sum of several."""

    part: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines from one measurement, which has the name of its sampler.

    With ``by``, there is a set of lines for each value of that tag. With ``counters``, the fields are counters
    since boot, and the chart shows their rates per second.
    """

    name: str
    title: str
    measurement: str
    unit: Unit
    lines: tuple[Line, ...]
    by: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    stacked: bool = False
    counters: bool = False

    @property
    def fields(self) -> list[str]:
        """Names of all fields."""
        return list(dict.fromkeys(name for line in self.lines for name in line.fields))

    def values_of(self, points: Iterable[Point]) -> dict[str, float]:
        """Value of each series in a round, by :meth:`series_id`; of counters, the reading."""
        values = {}
        for point in points:
            if all(getattr(point, tag, None) == value for tag, value in self.tags.items()):
                owner = getattr(point, self.by) if self.by else ""
                for line in self.lines:
                    parts = [getattr(point, name) for name in line.fields]
                    if None not in parts:
                        values[self.series_id(line, owner)] = sum(parts)
        return values

    @staticmethod
    def series_id(line: Line, owner: str) -> str:
        """Identifier of a series: its line, and the value of the tag ``by``."""
        return f"{line.part}:{owner}"


def _lines(*lines: tuple[str, ...]) -> tuple[Line, ...]:
    return tuple(Line(part, tuple(fields)) for part, *fields in lines)


CHARTS: Final[dict[str, Chart]] = {
    chart.name: chart
    for chart in (
        Chart(
            "cpu",
            "CPU",
            "cpu",
            "percent",
            _lines(
                ("user", "usage_user"),
                ("nice", "usage_nice"),
                ("system", "usage_system"),
                ("interrupts", "usage_irq", "usage_softirq"),
                ("waiting for I/O", "usage_iowait"),
                ("stolen", "usage_steal"),
                ("guests", "usage_guest", "usage_guest_nice"),
            ),
            tags={"cpu": "cpu-total"},
            stacked=True,
        ),
        Chart(
            "memory",
            "Memory",
            "mem",
            "bytes",
            _lines(("used", "used"), ("cached", "cached"), ("buffered", "buffered"), ("free", "free")),
            stacked=True,
        ),
        Chart(
            "load",
            "Load",
            "system",
            "number",
            _lines(("1 minute", "load1"), ("5 minutes", "load5"), ("15 minutes", "load15"), ("CPUs", "n_cpus")),
        ),
        Chart("disk", "Disk space used", "disk", "percent", _lines(("used", "used_percent")), by="path"),
        Chart(
            "diskio",
            "Disk traffic",
            "diskio",
            "bytes/s",
            _lines(("read", "read_bytes"), ("written", "write_bytes")),
            by="name",
            counters=True,
        ),
        Chart(
            "net",
            "Network traffic",
            "net",
            "bytes/s",
            _lines(("received", "bytes_recv"), ("sent", "bytes_sent")),
            by="interface",
            counters=True,
        ),
    )
}
