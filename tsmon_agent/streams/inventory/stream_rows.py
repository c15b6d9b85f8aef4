"""The table of expected streams: its columns, and what a row says of a stream."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from tsmon.stores import Selector
from tsmon_agent.settings import Settings
from tsmon_agent.state.names import parse_name
from tsmon_agent.streams.inventory.cell_parsing import parse_flag, parse_interval_ns, parse_rate
from tsmon_agent.streams.inventory.csv_table import Columns, Mistake, parse_csv
from tsmon_agent.streams.inventory.default_selector import build_default_selector, parse_stream_selector
from tsmon_agent.streams.inventory.row_parsing import NumberedValues, RowValues, parse_rows
from tsmon_agent.streams.inventory.rule_overrides import check_rules, parse_rules

__all__ = ["STREAM_COLUMNS", "STREAM_KEY", "StreamRow", "parse_stream_csv", "parse_stream_rows"]

STREAM_COLUMNS: Final = Columns(
    {
        "reference_designator": ("refdes", "reference", "instrument"),
        "method": ("deliverymethod",),
        "stream": ("streamname",),
        "expected_rate": ("rate", "expectedratehz", "ratehz"),
        "warn_interval": ("warn", "warnintervals", "warns", "warning", "warninginterval"),
        "fail_interval": ("fail", "failintervals", "fails", "failure", "failureinterval"),
        "selector": (),
        "rules": (),
        "enabled": (),
    },
    required=3,
    numbers=("expected_rate", "warn_interval", "fail_interval"),
)

STREAM_KEY: Final = ("reference_designator", "method", "stream")
"""What identifies a stream, in a row and in the state."""


class StreamRow(msgspec.Struct, frozen=True, kw_only=True):
    """An expected stream as it is to be; a stored one keeps its selector if ``keeps_selector``."""

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


def parse_stream_csv(text: str, settings: Settings, *, source: str) -> list[StreamRow]:
    """Parse a table of expected streams; raises :class:`~tsmon.errors.InvalidRowsError` with all its mistakes."""
    rows, mistakes = parse_csv(text, STREAM_COLUMNS)
    return parse_stream_rows(rows, settings, source=source, mistakes=mistakes)


def parse_stream_rows(
    rows: NumberedValues, settings: Settings, *, source: str = "streams", mistakes: Iterable[Mistake] = ()
) -> list[StreamRow]:
    """Parse expected streams from values under the names of :data:`STREAM_COLUMNS`.

    Names are texts, ``expected_rate`` is in Hz, and intervals are seconds or texts such as ``10m``. ``selector`` is
    a text such as ``measurement,tag=value field``; ``rules`` is an object, or a text such as ``gap_fraction=0.01;
    bounds=1,2,3``. None and the empty text remove a value. ``source`` names the whole in mistakes. Raises
    :class:`~tsmon.errors.InvalidRowsError` with all mistakes, ``mistakes`` among them.
    """
    return parse_rows(
        rows,
        lambda line, values: _parse(line, values, settings),
        noun="stream",
        key=STREAM_KEY,
        source=source,
        mistakes=mistakes,
    )


def _parse(line: int, values: Mapping[str, object], settings: Settings) -> StreamRow | list[str]:
    row = RowValues(values, STREAM_COLUMNS)
    reference_designator, method, stream = (row.read_required(key, parse_name) for key in STREAM_KEY)
    rate = row.read("expected_rate", parse_rate)
    warn_ns = row.read("warn_interval", parse_interval_ns)
    fail_ns = row.read("fail_interval", parse_interval_ns)
    if isinstance(warn_ns, int) and isinstance(fail_ns, int) and warn_ns > fail_ns:
        row.mistakes.append("the warn interval is longer than the fail interval; exchange the two")
    rules = row.read("rules", lambda value: _parse_rules(value, settings))
    enabled = row.read("enabled", parse_flag)
    if reference_designator is None or method is None or stream is None:
        return row.mistakes
    own = row.read("selector", lambda value: parse_stream_selector(value, reference_designator, method, stream))
    selector = own if isinstance(own, Selector) else None
    if selector is None:
        try:
            selector = build_default_selector(settings.streams.selector, reference_designator, method, stream)
        except ValueError as error:
            row.mistakes.append(
                f"the selector from the settings does not fit it: {error}; give it its own selector"
            )
    if row.mistakes or selector is None:
        return row.mistakes
    return StreamRow(
        line=line,
        reference_designator=reference_designator,
        method=method,
        stream=stream,
        selector=selector,
        keeps_selector=own is UNSET,
        expected_rate=rate,
        warn_interval_ns=warn_ns,
        fail_interval_ns=fail_ns,
        rules=rules,
        enabled=enabled,
    )


def _parse_rules(value: object, settings: Settings) -> dict[str, Any] | None:
    if value is None or value == "":
        return None
    try:
        own = parse_rules(value) if isinstance(value, str) else value
        if not isinstance(own, Mapping):
            raise ValueError("they are neither an object nor a text")
        return check_rules(own, settings.availability)
    except ValueError as error:
        raise ValueError(f"are wrong: {error}") from None
