"""Rows of expected streams and of deployments, checked: from a table in CSV and from JSON alike.

A value that a row does not have (UNSET) leaves what is stored as it is; an empty one removes it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from tsmon.errors import InvalidRowsError
from tsmon.stores import Selector
from tsmon_agent.settings import Settings
from tsmon_agent.state.names import parse_name
from tsmon_agent.streams.inventory.cell_parsing import (
    parse_deployment_number,
    parse_flag,
    parse_interval_ns,
    parse_rate,
    parse_time_ns,
)
from tsmon_agent.streams.inventory.csv_table import Columns, Mistake, parse_csv
from tsmon_agent.streams.inventory.default_selector import build_default_selector, parse_stream_selector
from tsmon_agent.streams.inventory.rule_overrides import check_rules, parse_rules

__all__ = [
    "DEPLOYMENT_COLUMNS",
    "STREAM_COLUMNS",
    "DeploymentRow",
    "StreamRow",
    "parse_deployment_csv",
    "parse_deployment_rows",
    "parse_stream_csv",
    "parse_stream_rows",
]

T = TypeVar("T")

_REFERENCE_DESIGNATOR: Final = ("refdes", "reference", "instrument")

STREAM_COLUMNS: Final = Columns(
    {
        "reference_designator": _REFERENCE_DESIGNATOR,
        "method": ("deliverymethod",),
        "stream": ("streamname",),
        "expected_rate": ("rate", "expectedratehz", "ratehz"),
        "warn_interval": ("warn", "warnintervals", "warns", "warning", "warninginterval"),
        "fail_interval": ("fail", "failintervals", "fails", "failure", "failureinterval"),
        "selector": (),
        "rules": (),
        "enabled": (),
    },
    needed=3,
)

DEPLOYMENT_COLUMNS: Final = Columns(
    {
        "reference_designator": _REFERENCE_DESIGNATOR,
        "number": ("deployment", "deploymentnumber"),
        "start": ("starttime", "startdatetime", "startdate", "begin"),
        "end": ("endtime", "enddatetime", "enddate", "stop", "stoptime", "stopdatetime"),
    },
    needed=3,
)

Numbered = Iterable[tuple[int, Mapping[str, object]]]
"""Values by the names of columns, each row with its number, from 1."""


class StreamRow(msgspec.Struct, frozen=True, kw_only=True):
    """An expected stream as it is to be; one that is stored keeps its selector where ``keeps_selector``."""

    line: int
    reference_designator: str
    method: str
    stream: str
    selector: Selector
    keeps_selector: bool
    expected_rate: float | UnsetType | None = UNSET
    warn_interval_ns: int | UnsetType | None = UNSET
    fail_interval_ns: int | UnsetType | None = UNSET
    rules: Mapping[str, Any] | UnsetType | None = UNSET
    enabled: bool | UnsetType = UNSET


class DeploymentRow(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment as it is to be; ``end_ns`` is None while it runs."""

    line: int
    reference_designator: str
    number: int
    start_ns: int
    end_ns: int | UnsetType | None = UNSET


def parse_stream_csv(text: str, settings: Settings, *, source: str) -> list[StreamRow]:
    """Expected streams from a table; raises :class:`~tsmon.errors.InvalidRowsError` with every mistake in it."""
    rows, mistakes = parse_csv(text, STREAM_COLUMNS)
    return parse_stream_rows(rows, settings, source=source, mistakes=mistakes)


def parse_stream_rows(
    rows: Numbered, settings: Settings, *, source: str = "streams", mistakes: Iterable[Mistake] = ()
) -> list[StreamRow]:
    """Expected streams from values under the names of :data:`STREAM_COLUMNS`.

    Names are texts; ``expected_rate`` is in Hz; intervals are seconds or texts such as ``10m``; ``selector`` is a
    text such as ``measurement,tag=value field``; ``rules`` is an object, or a text such as ``gap_fraction=0.01;
    bounds=1,2,3``; None and the empty text are nothing. ``source`` names the whole in mistakes. Raises
    :class:`~tsmon.errors.InvalidRowsError` with every mistake, ``mistakes`` among them.
    """
    return _all(rows, lambda line, values: _stream(line, values, settings), _same_stream, source, mistakes)


def parse_deployment_csv(text: str, *, source: str) -> list[DeploymentRow]:
    """Deployments from a table; raises :class:`~tsmon.errors.InvalidRowsError` with every mistake in it."""
    rows, mistakes = parse_csv(text, DEPLOYMENT_COLUMNS)
    return parse_deployment_rows(rows, source=source, mistakes=mistakes)


def parse_deployment_rows(
    rows: Numbered, *, source: str = "deployments", mistakes: Iterable[Mistake] = ()
) -> list[DeploymentRow]:
    """Deployments from values under the names of :data:`DEPLOYMENT_COLUMNS`; times without a zone are UTC.

    Else as :func:`parse_stream_rows`.
    """
    return _all(rows, _deployment, _same_deployment, source, mistakes)


class _Values:
    """Values of one row, and what is wrong with them."""

    def __init__(self, values: Mapping[str, object], columns: Columns) -> None:
        self.mistakes = [
            f"there is no {key!r} in a row; there are {', '.join(columns.names)}"
            for key in values
            if key not in columns.spellings
        ]
        self._values = values

    def needed(self, key: str, read: Callable[[object], T]) -> T | None:
        """The value; None where it is wrong, and the row is then of no use."""
        if key not in self._values:
            self.mistakes.append(f"the {_words(key)} is missing; give it")
            return None
        found = self.optional(key, read)
        return None if found is UNSET else found

    def optional(self, key: str, read: Callable[[object], T]) -> T | UnsetType:
        """The value; UNSET where it is absent or wrong."""
        if key in self._values:
            try:
                return read(self._values[key])
            except ValueError as error:
                self.mistakes.append(f"the {_words(key)} {error}")
        return UNSET


def _stream(line: int, values: Mapping[str, object], settings: Settings) -> StreamRow | list[str]:
    row = _Values(values, STREAM_COLUMNS)
    names = [row.needed(key, parse_name) for key in ("reference_designator", "method", "stream")]
    rate = row.optional("expected_rate", parse_rate)
    warn_ns = row.optional("warn_interval", parse_interval_ns)
    fail_ns = row.optional("fail_interval", parse_interval_ns)
    if isinstance(warn_ns, int) and isinstance(fail_ns, int) and warn_ns > fail_ns:
        row.mistakes.append("the warn interval is longer than the fail interval; exchange the two")
    rules = row.optional("rules", lambda value: _rules(value, settings))
    enabled = row.optional("enabled", parse_flag)
    reference_designator, method, stream = names
    if reference_designator is None or method is None or stream is None:
        return row.mistakes
    given = row.optional(
        "selector", lambda value: parse_stream_selector(value, reference_designator, method, stream)
    )
    selector = given if isinstance(given, Selector) else None
    if selector is None:
        try:
            selector = build_default_selector(settings.streams.selector, reference_designator, method, stream)
        except ValueError as error:
            row.mistakes.append(f"the selector that the settings give it is wrong: {error}; give it one of its own")
    if row.mistakes or selector is None:
        return row.mistakes
    return StreamRow(
        line=line,
        reference_designator=reference_designator,
        method=method,
        stream=stream,
        selector=selector,
        keeps_selector=given is UNSET,
        expected_rate=rate,
        warn_interval_ns=warn_ns,
        fail_interval_ns=fail_ns,
        rules=rules,
        enabled=enabled,
    )


def _deployment(line: int, values: Mapping[str, object]) -> DeploymentRow | list[str]:
    row = _Values(values, DEPLOYMENT_COLUMNS)
    reference_designator = row.needed("reference_designator", parse_name)
    number = row.needed("number", parse_deployment_number)
    start_ns = row.needed("start", parse_time_ns)
    end_ns = row.optional("end", lambda value: None if value in (None, "") else parse_time_ns(value))
    if isinstance(end_ns, int) and start_ns is not None and end_ns < start_ns:
        row.mistakes.append("the end is before the start; exchange the two")
    if row.mistakes or reference_designator is None or number is None or start_ns is None:
        return row.mistakes
    return DeploymentRow(
        line=line, reference_designator=reference_designator, number=number, start_ns=start_ns, end_ns=end_ns
    )


def _rules(value: object, settings: Settings) -> dict[str, Any] | None:
    if value is None or value == "":
        return None
    try:
        own = parse_rules(value) if isinstance(value, str) else value
        if not isinstance(own, Mapping):
            raise ValueError("they are neither an object nor a text")
        return check_rules(own, settings.availability)
    except ValueError as error:
        raise ValueError(f"are wrong: {error}") from None


def _same_stream(row: StreamRow) -> tuple[str, object]:
    return "stream", (row.reference_designator, row.method, row.stream)


def _same_deployment(row: DeploymentRow) -> tuple[str, object]:
    return "deployment", (row.reference_designator, row.number)


R = TypeVar("R", StreamRow, DeploymentRow)


def _all(
    rows: Numbered,
    read: Callable[[int, Mapping[str, object]], R | list[str]],
    identity: Callable[[R], tuple[str, object]],
    source: str,
    mistakes: Iterable[Mistake],
) -> list[R]:
    wrong = list(mistakes)
    found: list[R] = []
    lines: dict[object, int] = {}
    for line, values in rows:
        row = read(line, values)
        if isinstance(row, list):
            wrong += ((line, mistake) for mistake in row)
            continue
        kind, key = identity(row)
        if key in lines:
            wrong.append((line, f"this is the {kind} of line {lines[key]} again; remove one of the two"))
        lines.setdefault(key, line)
        found.append(row)
    if wrong:
        raise InvalidRowsError(source, sorted(wrong))
    return found


def _words(key: str) -> str:
    return key.replace("_", " ")
