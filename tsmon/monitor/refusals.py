"""Points that cannot be stored: what was passed to ``emit`` instead of points, and the log of those dropped."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.foreign_points import is_foreign_point_class
from tsmon.line_protocol.values import abbreviate
from tsmon.logs.rate_limited import RateLimitedLog
from tsmon.logs.safe_text import escape_unprintable
from tsmon.points import Point

__all__ = ["list_points", "log_refused"]

MAX_REASON: Final = 500
"""Characters of a reason in the log."""

_ONE_OR_SEVERAL: Final = "emit() takes one point or several"


def list_points(given: Any) -> list[Point]:
    """Return the points that were passed to ``emit``; raise :class:`InvalidPointError` for anything else."""
    if hasattr(type(given), "__declaration__") or is_foreign_point_class(type(given)):
        return [given]
    if isinstance(given, str | bytes | bytearray | memoryview):
        raise InvalidPointError(
            f"a text of type {type(given).__name__} is no point; {_ONE_OR_SEVERAL}, instances of a class that is "
            "derived from tsmon.Point; lines of line protocol are written by store.write(lines)"
        )
    if type(given).__name__ == "DataFrame":
        raise InvalidPointError(
            f"a DataFrame is no point; {_ONE_OR_SEVERAL}: declare a class X(Point, measurement='x') and pass "
            "[X(**row) for row in frame.to_dict('records')]"
        )
    if isinstance(given, Mapping) and "measurement" in given and "fields" in given:
        raise InvalidPointError(
            "a dictionary of influxdb-client is no point; pass influxdb_client.Point.from_dict(dictionary)"
        )
    if isinstance(given, Mapping):
        raise InvalidPointError(
            f"a mapping of type {type(given).__name__} is no point; {_ONE_OR_SEVERAL}; "
            "declare a class X(Point, measurement='x') and pass X(**mapping)"
        )
    if isinstance(given, type):
        raise InvalidPointError(f"{given.__name__} is a class and no point; pass an instance: {given.__name__}(…)")
    if not isinstance(given, Iterable):
        shown = abbreviate(given, f"<{type(given).__name__} …>")
        raise InvalidPointError(f"{shown} is no point; {_ONE_OR_SEVERAL}")
    return list(given)


def log_refused(rate_limited: RateLimitedLog, error: BaseException | None) -> None:
    """Log that a point is dropped with ``on_invalid = "drop"``, and why: the first, then one a minute."""
    reason = escape_unprintable(str(error))
    if len(reason) > MAX_REASON:
        reason = reason[:MAX_REASON] + "…"
    rate_limited.warning("invalid", f"a point cannot be stored and is dropped: {reason}")
