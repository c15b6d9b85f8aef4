"""How long the settings keep what the store holds, and how that is described to people."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from tsmon.logs.safe_text import escape_unprintable
from tsmon.settings import MonitoringSettings
from tsmon.settings.durations import format_duration
from tsmon.stores.retention_policy import Expiring, Narrowing, RetentionPolicy, RetentionStatus
from tsmon.time_units import DAY_NS, SECOND_NS
from tsmon_agent.formatting import moment
from tsmon_agent.settings import StreamSettings

__all__ = ["describe_narrowing", "describe_removed", "describe_status", "format_keep", "policy_of"]

FOR_EVER_DAYS: Final = 100_000.0
MOST_NAMED: Final = 5
"""How many measurements are named, those with the most rows."""


def policy_of(monitoring: MonitoringSettings, streams: StreamSettings) -> RetentionPolicy:
    """The retention that the settings want."""
    return RetentionPolicy(_keep_ns(monitoring.retention_days), _keep_ns(streams.retention_days))


def format_keep(keep_ns: int | None) -> str:
    """``for 14 days``, ``for 12h`` or ``for ever``."""
    if keep_ns is None:
        return "for ever"
    if keep_ns % DAY_NS:
        return f"for {format_duration(keep_ns)}"
    return f"for {keep_ns // DAY_NS} day{'s' * (keep_ns != DAY_NS)}"


def describe_narrowing(one: Narrowing, *, on_server: bool = False) -> str:
    """What becomes shorter, what that removes, when, and what to do."""
    rows = _describe_expiring(one.expiring)
    removes = f"; that removes {rows}" if rows else ""
    if on_server:
        when = "only tsmon-agent setup --shorter does that; a longer time in the settings keeps everything"
    elif one.due_ns == 0:
        when = "it is confirmed, and the agent applies it within ten minutes"
    else:
        due = f"on {moment(one.due_ns)}" if one.due_ns is not None else "when an agent has run with it for 7 days"
        when = (
            f"it is applied {due}, or at once by tsmon-agent retention apply; "
            "a longer time in the settings keeps everything"
        )
    if one.wanted_ns == 0:
        return f"{_format_subject(one.subject)} are to be removed{removes}: {when}"
    return (
        f"{_format_setting(one.subject)} keeps {_format_subject(one.subject)} {format_keep(one.wanted_ns)}, "
        f"so far they were kept {format_keep(one.keep_ns)}{removes}: {when}"
    )


def describe_status(status: RetentionStatus, *, on_server: bool = False) -> list[str]:
    """A sentence for everything that becomes shorter, and for each tier that is not named or not set up."""
    return [
        *(
            f"rollups.tiers: rollups of {format_duration(every_ns)} are not set up, because points are kept "
            f"{format_keep(status.in_force.points_ns)}, so some would expire before their window ends; "
            "keep the points for longer in their bucket, or remove the tier"
            for every_ns in status.too_wide_tiers
        ),
        *(describe_narrowing(one, on_server=on_server) for one in status.narrowings),
        *(
            f"rollups of {format_duration(every_ns)} are not in the settings; they stay, and are read and "
            f"maintained, until {_format_drop(every_ns, on_server=on_server)}"
            for every_ns in status.unlisted_tiers
        ),
    ]


def _describe_expiring(expiring: Expiring | None) -> str:
    """Numbers of rows by measurement, and from before when; empty if there are none."""
    if expiring is None or not expiring.rows:
        return ""
    return f"{_count(expiring.rows)} from before {moment(expiring.before_ns)}"


def describe_removed(points: Mapping[str, int], rollups: Mapping[int, int]) -> str:
    """What retention has removed; empty if that is nothing."""
    parts = []
    if points:
        parts.append(f"{sum(points.values()):,} points ({_name(points)})")
    if rollups:
        widths = {format_duration(every_ns): rows for every_ns, rows in rollups.items()}
        parts.append(f"{sum(rollups.values()):,} rollups ({_name(widths)})")
    return " and ".join(parts)


def _format_drop(every_ns: int, *, on_server: bool) -> str:
    if on_server:
        return "their bucket and tasks are deleted on the server"
    return f"tsmon-agent rollups drop {format_duration(every_ns)} removes them"


def _count(rows: Mapping[str, int]) -> str:
    return f"{sum(rows.values()):,} rows ({_name(rows)})"


def _name(rows: Mapping[str, int]) -> str:
    ordered = sorted(rows.items(), key=lambda one: -one[1])
    named = [f"{escape_unprintable(name)} {number:,}" for name, number in ordered[:MOST_NAMED]]
    if len(ordered) > MOST_NAMED:
        named.append(f"{len(ordered) - MOST_NAMED} more")
    return ", ".join(named)


def _format_subject(subject: str | int) -> str:
    if isinstance(subject, int):
        return f"rollups of {format_duration(subject)}"
    return {"points": "points", "streams": "points of expected streams"}[subject]


def _format_setting(subject: str | int) -> str:
    if isinstance(subject, int):
        return f'rollups.tiers "{format_duration(subject)}"'
    return {"points": "monitoring.retention_days", "streams": "streams.retention_days"}[subject]


def _keep_ns(days: float) -> int | None:
    """Nanoseconds for which points are kept; None: for ever."""
    if not 0 < days < FOR_EVER_DAYS:
        return None
    return max(timedelta(days=days) // timedelta(microseconds=1) * 1_000, SECOND_NS)
