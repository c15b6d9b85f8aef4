"""The figures on the cards, from the newest round of each sampler."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from tsmon.time_units import SECOND_NS
from tsmon_agent.formatting import NO_BREAK, count, days, moment, percent, rate, size
from tsmon_agent.host.sampling.live_feed import Round
from tsmon_agent.web.host.thresholds import Severity, judge

__all__ = ["CARDS", "Card", "Figure", "compute_figures"]

Rates = Mapping[str, float]


class Figure(msgspec.Struct, frozen=True):
    """One figure in words; ``percent`` is the length of its bar, None for a figure without a bar."""

    name: str
    value: str
    detail: str
    percent: float | None
    severity: Severity = msgspec.field(name="state")


class Card(msgspec.Struct, frozen=True):
    """A card with one figure, or with a list of them: one per disk, device or interface."""

    name: str
    title: str
    sampler: str
    many: bool


CARDS: Final = (
    Card("cpu", "CPU", "cpu", many=False),
    Card("memory", "Memory", "mem", many=False),
    Card("load", "Load", "system", many=False),
    Card("swap", "Swap", "swap", many=False),
    Card("processes", "Processes", "processes", many=False),
    Card("uptime", "Uptime", "system", many=False),
    Card("disk", "Disk space", "disk", many=True),
    Card("net", "Network", "net", many=True),
    Card("diskio", "Disk traffic", "diskio", many=True),
)


def compute_figures(card: Card, newest: Round, rates: Rates) -> list[Figure]:
    """Figures of a card, from a round of its sampler and the rates of the counters in it."""
    return _FIGURES[card.name](newest, rates)


def _cpu(newest: Round, _: Rates) -> list[Figure]:
    for point in newest.points:
        if getattr(point, "cpu", None) == "cpu-total":
            p: Any = point
            busy = max(0.0, 100 - p.usage_idle)
            detail = (
                f"user {percent(p.usage_user + p.usage_nice)}, system {percent(p.usage_system)}, "
                f"waiting for I/O {percent(p.usage_iowait)}"
            )
            return [Figure("CPU", percent(busy), detail, busy, judge("cpu", busy))]
    return []


def _memory(newest: Round, _: Rates) -> list[Figure]:
    p: Any = newest.points[0]
    if p.used is None or p.used_percent is None:
        return []
    detail = f"{size(p.used)} of {size(p.total)}"
    if p.available is not None:
        detail += f", {size(p.available)} available"
    return [Figure("Memory", percent(p.used_percent), detail, p.used_percent, judge("memory", p.used_percent))]


def _load(newest: Round, _: Rates) -> list[Figure]:
    p: Any = newest.points[0]
    detail = (
        f"{p.load5:.2f} over 5 minutes, {p.load15:.2f} over 15, on {p.n_cpus} {'CPU' if p.n_cpus == 1 else 'CPUs'}"
    )
    share = p.load5 / p.n_cpus if p.n_cpus else None
    bar = None if share is None else min(100.0, 100 * p.load1 / p.n_cpus)
    return [Figure("Load", f"{p.load1:.2f}", detail, bar, judge("load", share))]


def _swap(newest: Round, _: Rates) -> list[Figure]:
    p: Any = newest.points[0]
    if not p.total or p.used_percent is None:
        return [Figure("Swap", "none", "this host has no swap space", None, Severity.NONE)]
    detail = f"{size(p.used)} of {size(p.total)}"
    return [Figure("Swap", percent(p.used_percent), detail, p.used_percent, judge("swap", p.used_percent))]


def _processes(newest: Round, _: Rates) -> list[Figure]:
    p: Any = newest.points[0]
    states = [(p.running, "running"), (p.blocked, "blocked"), (p.zombies, "zombies"), (p.stopped, "stopped")]
    words = [f"{count(number)} {word}" for number, word in states if number or word == "running"]
    if p.total_threads is not None:
        words.append(f"{count(p.total_threads)} threads")
    return [Figure("Processes", count(p.total), ", ".join(words), None, Severity.NONE)]


def _uptime(newest: Round, _: Rates) -> list[Figure]:
    p: Any = newest.points[0]
    detail = f"since {moment(newest.time_ns - p.uptime * SECOND_NS)}"
    if p.n_users is not None:
        detail += f", {p.n_users} {'session' if p.n_users == 1 else 'sessions'}"
    return [Figure("Uptime", days(p.uptime), detail, None, Severity.NONE)]


def _disk(newest: Round, _: Rates) -> list[Figure]:
    figures = []
    p: Any
    for p in newest.points:
        detail = f"{size(p.used)} of {size(p.total)}, {size(p.free)} free, {p.fstype}"
        value = "no size" if p.used_percent is None else percent(p.used_percent)
        figures.append(Figure(p.path, value, detail, p.used_percent, judge("disk", p.used_percent)))
    return figures


def _net(newest: Round, rates: Rates) -> list[Figure]:
    return _traffic(newest, rates, "interface", ("received", "bytes_recv"), ("sent", "bytes_sent"))


def _diskio(newest: Round, rates: Rates) -> list[Figure]:
    return _traffic(newest, rates, "name", ("read", "read_bytes"), ("written", "write_bytes"))


def _traffic(
    newest: Round, rates: Rates, owner: str, into: tuple[str, str], out_of: tuple[str, str]
) -> list[Figure]:
    figures = []
    for point in newest.points:
        name = getattr(point, owner)
        parts = []
        for arrow, (part, _) in (("\N{DOWNWARDS ARROW}", into), ("\N{UPWARDS ARROW}", out_of)):
            now = rates.get(f"{part}:{name}")
            parts.append(f"{arrow}{NO_BREAK}{'unavailable' if now is None else rate(now)}")
        detail = ", ".join(f"{size(getattr(point, field))} {part}" for part, field in (into, out_of))
        busy: float | None = getattr(point, "io_util", None)
        if busy is not None:
            detail = f"busy {percent(busy)}, {detail}"
        figures.append(Figure(name, "  ".join(parts), f"{detail} in total", None, Severity.NONE))
    return figures


_FIGURES: Final[dict[str, Callable[[Round, Rates], list[Figure]]]] = {
    "cpu": _cpu,
    "memory": _memory,
    "load": _load,
    "swap": _swap,
    "processes": _processes,
    "uptime": _uptime,
    "disk": _disk,
    "net": _net,
    "diskio": _diskio,
}
