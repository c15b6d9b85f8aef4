"""The time column of the dialect of ``influx write``: numbers, RFC 3339 or a layout of Go."""

import os
import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.times import to_point_time_ns
from tsmon_agent.ingest.files.local_times import LocalTime, find_zone
from tsmon_agent.ingest.files.time_cells import parse_time_cell
from tsmon_agent.ingest.files.write_dialect.go_layouts import GoLayout

__all__ = ["TimeParser", "build_time_parser", "find_annotated_zone"]

TimeParser = Callable[[str], int | LocalTime]

_number: Final = re.compile(r"-?\d{1,30}", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001


def build_time_parser(column: str, form: str, zone: tzinfo, unit_ns: int | None) -> TimeParser:
    """The parser of times of this format; raises ValueError with the reason.

    Numbers are in units of ``unit_ns``; if that is None, in nanoseconds, unless that is obviously wrong.
    """

    def parse_number(text: str) -> int:
        if not _number.fullmatch(text):
            raise ValueError(f"column {column}: {text!r} is not a whole number")
        if unit_ns is not None:
            return int(text) * unit_ns
        try:
            return to_point_time_ns(int(text))
        except InvalidPointError:
            raise ValueError(
                f"column {column}: {text} looks like a time in a unit other than ns; name the unit by --precision"
            ) from None

    def parse_iso(text: str) -> int | LocalTime:
        return parse_time_cell(column, text, "iso")

    def parse_either(text: str) -> int | LocalTime:
        return parse_number(text) if _number.fullmatch(text) else parse_iso(text)

    known: dict[str, TimeParser] = {
        "": parse_either,
        "number": parse_number,
        "RFC3339": parse_iso,
        "RFC3339Nano": parse_iso,
    }
    return known.get(form) or _build_layout_parser(column, GoLayout.compile(form), zone)


def find_annotated_zone(text: str) -> tzinfo:
    """The zone that ``#timezone`` names; raises ImportingError if there is none."""
    if text.lower() != "local":
        return find_zone(text or "UTC")
    name = os.environ.get("TZ")
    if name is not None:
        return find_zone(name.removeprefix(":") or "UTC")
    try:
        with Path("/etc/localtime").open("rb") as file:
            return ZoneInfo.from_file(file, "localtime")
    except (OSError, ValueError):
        return find_zone("UTC")


def _build_layout_parser(column: str, layout: GoLayout, zone: tzinfo) -> TimeParser:
    def parse(text: str) -> int | LocalTime:
        try:
            moment, nanoseconds, offset, abbreviation = layout.parse(text)
        except ValueError:
            raise ValueError(f"column {column}: {text!r} is not a time as {layout.layout}") from None
        if offset is None and abbreviation:
            offset = _find_offset(column, moment, abbreviation, zone)
        if offset is None:
            return LocalTime(moment, nanoseconds)
        return (moment - _EPOCH - offset) // timedelta(microseconds=1) * 1_000 + nanoseconds

    return parse


def _find_offset(column: str, moment: datetime, abbreviation: str, zone: tzinfo) -> timedelta:
    if abbreviation in ("UTC", "GMT"):
        return timedelta()
    for fold in (0, 1):
        here = moment.replace(tzinfo=zone, fold=fold)
        offset = here.utcoffset()
        if here.tzname() == abbreviation and offset is not None:
            return offset
    raise ValueError(
        f"column {column}: {abbreviation} is not what the clock of {zone} is called at {moment.isoformat()}; "
        "name the right zone by #timezone or --timezone"
    )
