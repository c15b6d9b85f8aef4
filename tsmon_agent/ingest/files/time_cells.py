"""Times in the cells of a table, exact to the nanosecond."""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from tsmon.line_protocol.times import to_time_ns
from tsmon_agent.ingest.files.local_times import LocalTime
from tsmon_agent.tables.times import DATE_ORDER_NAMES, TIME_UNITS, parse_time

__all__ = ["parse_time_cell"]


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
            try:
                short, nanoseconds = _split_nanoseconds(text)
                moment = datetime.fromisoformat(short)
            except ValueError:
                moment, nanoseconds = parse_time(text)
        elif form in DATE_ORDER_NAMES:
            moment, nanoseconds = parse_time(text, form)
        else:
            moment = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        form = DATE_ORDER_NAMES.get(form, form)
        what = "not a time in ISO 8601" if form == "iso" else f"not a time of the form {form}"
        raise ValueError(f"column {column}: {text!r} is {what}") from None
    if moment.tzinfo is None:
        return LocalTime(moment, nanoseconds)
    return to_time_ns(moment.astimezone(UTC)) + nanoseconds


def _split_nanoseconds(text: str) -> tuple[str, int]:
    """A time cut to microseconds, and the rest in nanoseconds."""
    head, dot, rest = text.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    if not dot or len(digits) <= 6:
        return text, 0
    return f"{head}.{digits[:6]}{rest[len(digits) :]}", int(digits[6:9].ljust(3, "0"))
