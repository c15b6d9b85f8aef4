"""Times in the cells of a table, exact to the nanosecond."""

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Final

from tsmon.errors import ImportingError
from tsmon.line_protocol.times import to_time_ns
from tsmon_agent.ingest.files.local_times import LocalTime
from tsmon_agent.tables.times import DATE_ORDER_NAMES, TIME_UNITS, parse_time

__all__ = ["check_time_format", "parse_time_cell"]

_utc: Final = re.compile(r"\b(?:UTC|GMT)\b", re.IGNORECASE)
_year: Final = re.compile(r"%[YyGcx]")
_date_with_offset: Final = re.compile(r"\d{4}-?\d\d-?\d\d[+-].*", re.ASCII)
"""A date of XML Schema with its offset, which Python takes for a time of day."""
_fraction: Final = re.compile(r"[.,](\d{7,})", re.ASCII)


def check_time_format(form: str | None) -> None:
    """Raise :class:`~tsmon.errors.ImportingError` for a format of ``strptime`` that gives no date."""
    if form is not None and "%" in form and not _year.search(form):
        raise ImportingError(f"--time-format {form}: it has no year, so times would be in 1900; add %Y or %y")


def parse_time_cell(column: str, text: str, form: str) -> int | LocalTime:
    """Nanoseconds since the epoch, or the time on a wall clock where the text has no zone; raises ValueError."""
    if form in TIME_UNITS:
        try:
            return int(Decimal(text) * TIME_UNITS[form])
        except (InvalidOperation, ValueError, OverflowError):
            raise ValueError(f"column {column}: {text!r} is not a number of {form} since the epoch") from None
    try:
        nanoseconds = 0
        if form == "iso":
            if _date_with_offset.fullmatch(text):
                raise ValueError
            try:
                short, nanoseconds = _split_nanoseconds(text)
                moment = datetime.fromisoformat(short)
            except ValueError:
                moment, nanoseconds = parse_time(text)
        elif form in DATE_ORDER_NAMES:
            moment, nanoseconds = parse_time(text, form)
        else:
            moment = _parse_formatted(text, form)
    except ValueError:
        form = DATE_ORDER_NAMES.get(form, form)
        what = "not a time in ISO 8601" if form == "iso" else f"not a time of the form {form}"
        raise ValueError(f"column {column}: {text!r} is {what}") from None
    if moment.tzinfo is None:
        return LocalTime(moment, nanoseconds)
    return to_time_ns(moment) + nanoseconds


def _parse_formatted(text: str, form: str) -> datetime:
    moment = datetime.strptime(text, form)  # noqa: DTZ007
    if moment.tzinfo is None and "%Z" in form:
        # strptime accepts UTC, GMT and the names of this machine's zone, and forgets which of them it was.
        if not _utc.search(text):
            raise ValueError
        return moment.replace(tzinfo=UTC)
    return moment


def _split_nanoseconds(text: str) -> tuple[str, int]:
    """A time cut to microseconds, and the rest in nanoseconds."""
    found = _fraction.search(text)
    if found is None:
        return text, 0
    digits = found[1]
    return f"{text[: found.start()]}.{digits[:6]}{text[found.end() :]}", int(digits[6:9].ljust(3, "0"))
