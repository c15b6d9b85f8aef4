"""How long a file keeps points and rollups: what is in force, and what becomes shorter after a time of grace.

A longer retention is in force at once. A shorter one is noted first in the table ``terms``, and is in force when it
has been wanted all through the time of grace, when a person has confirmed it, or when it would remove nothing. So
a mistyped or missing key, or one run with other settings, removes nothing.

The table has one row for each ``subject``: ``points``, ``streams``, or the width of a tier. ``keep_ns`` is in
force, NULL for ever; for a tier the table ``rungs`` has it. ``wanted_ns`` is the shorter one; 0 removes a tier. At
``seen_ns`` it was still ``left_ns`` from being due. Between two looks at most :data:`MOST_NS` count, so a clock
that jumps shortens no grace. A file of which nothing is noted has kept everything so far.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from tsmon.errors import StoreError
from tsmon.settings.durations import format_duration
from tsmon.stores.retention_policy import GRACE_NS, Narrowing, RetentionPolicy, RetentionStatus
from tsmon.stores.rollup_tiers import RollupTier
from tsmon.stores.sqlite.retention.expiring import count_expiring, would_expire
from tsmon.stores.sqlite.retention.kept_streams import list_streams
from tsmon.stores.sqlite.rollups import Layout, TierLayout, drop_tier
from tsmon.stores.sqlite.rollups.layout import is_longer, transaction
from tsmon.stores.sqlite.window_queries import snapshot
from tsmon.time_units import HOUR_NS

__all__ = ["POINTS", "STREAMS", "TABLES", "adopt_terms", "confirm", "read_status", "request_drop", "settle"]

POINTS: Final = "points"
STREAMS: Final = "streams"

TABLES: Final = (
    """CREATE TABLE terms (
        subject TEXT PRIMARY KEY,
        keep_ns INTEGER,
        wanted_ns INTEGER,
        left_ns INTEGER NOT NULL,
        seen_ns INTEGER NOT NULL,
        confirmed INTEGER NOT NULL
    )""",
)

MOST_NS: Final = HOUR_NS
"""The most that counts as a part of the grace between two looks, which an agent takes every ten minutes."""


class _Row(NamedTuple):
    """What is noted of one subject."""

    keep_ns: int | None = None
    wanted_ns: int | None = None
    left_ns: int = 0
    seen_ns: int = 0
    confirmed: int = 0

    def look(self, wanted_ns: int, now_ns: int) -> "_Row":
        """The same after the time since the last look; another wish than before begins with a whole grace."""
        if self.wanted_ns != wanted_ns:
            return _Row(self.keep_ns, wanted_ns, GRACE_NS, now_ns)
        if self.confirmed:
            return self
        passed_ns = min(max(now_ns - self.seen_ns, 0), MOST_NS)
        return self._replace(left_ns=max(self.left_ns - passed_ns, 0), seen_ns=now_ns)


def settle(
    connection: sqlite3.Connection, wanted: RetentionPolicy, tiers: Sequence[RollupTier], now_ns: int
) -> RetentionStatus:
    """Put into force what may be, note what is shorter, and return both."""
    with transaction(connection):
        for subject, keep_ns, wanted_ns, row in _compare(connection, wanted, tiers):
            if keep_ns == wanted_ns and row.wanted_ns is None:
                continue
            tier = _find_tier(connection, subject)
            if wanted_ns is not None and is_longer(keep_ns, wanted_ns):
                seen = row.look(wanted_ns, now_ns)
                if seen.left_ns and would_expire(connection, subject, tier, now_ns - wanted_ns, now_ns):
                    _note(connection, subject, seen)
                    continue
            if tier is not None and wanted_ns == 0:
                drop_tier(connection, tier)
            if tier is not None:
                connection.execute("UPDATE rungs SET keep_ns = ? WHERE number = ?", (wanted_ns, tier.number))
                connection.execute("DELETE FROM terms WHERE subject = ?", (subject,))
            else:
                _note(connection, subject, _Row(wanted_ns))
    return _read_status(connection, wanted, tiers)


def read_status(
    connection: sqlite3.Connection, wanted: RetentionPolicy, tiers: Sequence[RollupTier], now_ns: int
) -> RetentionStatus:
    """What is in force, and what ``wanted`` would make shorter and remove; changes nothing."""
    with snapshot(connection):
        found = _read_status(connection, wanted, tiers)
        counted = [_count(connection, one, now_ns) for one in found.narrowings]
        return replace(found, narrowings=counted, streams=list_streams(connection))


def _count(connection: sqlite3.Connection, one: Narrowing, now_ns: int) -> Narrowing:
    before_ns = now_ns - one.wanted_ns
    expiring = count_expiring(connection, str(one.subject), _find_tier(connection, str(one.subject)), before_ns)
    return replace(one, expiring=expiring)


def _read_status(
    connection: sqlite3.Connection, wanted: RetentionPolicy, tiers: Sequence[RollupTier]
) -> RetentionStatus:
    narrowings = []
    in_force: dict[str, int | None] = {}
    for subject, keep_ns, wanted_ns, row in _compare(connection, wanted, tiers):
        in_force[subject] = keep_ns
        if wanted_ns is None or not is_longer(keep_ns, wanted_ns):
            continue
        due_ns = None
        if row.wanted_ns == wanted_ns:
            due_ns = 0 if row.confirmed else row.seen_ns + row.left_ns
        narrowings.append(Narrowing(int(subject) if subject.isdigit() else subject, keep_ns, wanted_ns, due_ns))
    listed = {tier.every_ns for tier in tiers}
    unlisted = [tier.every_ns for tier in Layout.read(connection).tiers if tier.every_ns not in listed]
    policy = RetentionPolicy(in_force[POINTS], in_force[STREAMS])
    return RetentionStatus(policy, tuple(narrowings), tuple(unlisted))


def confirm(
    connection: sqlite3.Connection, wanted: RetentionPolicy, tiers: Sequence[RollupTier], now_ns: int
) -> int:
    """Confirm everything that ``wanted`` makes shorter, so that it is due at once; return how much it is."""
    number = 0
    with transaction(connection):
        for subject, keep_ns, wanted_ns, _ in _compare(connection, wanted, tiers):
            if wanted_ns is not None and is_longer(keep_ns, wanted_ns):
                _note(connection, subject, _Row(keep_ns, wanted_ns, 0, now_ns, 1))
                number += 1
    return number


def adopt_terms(connection: sqlite3.Connection, rows: Iterable[Sequence[Any]]) -> None:
    """Take over what is noted in a damaged file, in the current transaction, where it keeps for longer.

    This file may have put a shorter retention into force meanwhile, since nothing expired by it; now that has a
    grace. If nothing is noted, everything was kept so far.
    """
    present = _read_rows(connection)
    noted = {
        subject: _Row(*row)
        for subject, *row in rows
        if isinstance(subject, str)
        and all(isinstance(one, int) for one in row[2:])
        and all(one is None or isinstance(one, int) for one in row[:2])
    }
    for subject in (POINTS, STREAMS):
        row = noted.pop(subject, _Row())
        if subject not in present or is_longer(row.keep_ns, present[subject].keep_ns):
            _note(connection, subject, row)
    for subject, row in noted.items():
        if subject not in present:
            _note(connection, subject, row)


def request_drop(connection: sqlite3.Connection, every_ns: int, now_ns: int) -> None:
    """Let the next retention remove a tier with its rollups; raises :class:`StoreError` if there is none."""
    with transaction(connection):
        tiers = Layout.read(connection).tiers
        tier = next((one for one in tiers if one.every_ns == every_ns), None)
        if tier is None:
            known = ", ".join(format_duration(one.every_ns) for one in tiers) or "none"
            raise StoreError(f"there are no rollups of {format_duration(every_ns)}; there are {known}")
        _note(connection, str(tier.every_ns), _Row(tier.keep_ns, 0, 0, now_ns, 1))


def _compare(
    connection: sqlite3.Connection, wanted: RetentionPolicy, tiers: Sequence[RollupTier]
) -> Iterator[tuple[str, int | None, int | None, _Row]]:
    """Each subject of the file with what is in force, what is wanted, and what is noted of it."""
    rows = _read_rows(connection)
    for subject, wanted_ns in ((POINTS, wanted.points_ns), (STREAMS, wanted.streams_ns)):
        row = rows.get(subject, _Row())
        yield subject, row.keep_ns, wanted_ns, row
    listed = {tier.every_ns: tier.keep_ns for tier in tiers}
    for tier in Layout.read(connection).tiers:
        subject = str(tier.every_ns)
        row = rows.get(subject, _Row())
        if row.confirmed and row.wanted_ns == 0 and tier.every_ns not in listed:
            yield subject, tier.keep_ns, 0, row
        elif tier.every_ns in listed:
            yield subject, tier.keep_ns, listed[tier.every_ns], row


def _read_rows(connection: sqlite3.Connection) -> dict[str, _Row]:
    """What is noted; nothing in a file of an older version."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'terms'").fetchone():
        return {}
    found = connection.execute("SELECT subject, keep_ns, wanted_ns, left_ns, seen_ns, confirmed FROM terms")
    return {subject: _Row(*row) for subject, *row in found}


def _note(connection: sqlite3.Connection, subject: str, row: _Row) -> None:
    connection.execute("INSERT OR REPLACE INTO terms VALUES (?, ?, ?, ?, ?, ?)", (subject, *row))


def _find_tier(connection: sqlite3.Connection, subject: str) -> TierLayout | None:
    if not subject.isdigit():
        return None
    return next(tier for tier in Layout.read(connection).tiers if tier.every_ns == int(subject))
