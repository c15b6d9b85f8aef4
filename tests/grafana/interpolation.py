"""What Grafana makes of a query before it sends it.

First the browser puts in the values of variables (``public/app/features/templating``), then the server what
belongs to the range (``pkg/tsdb/influxdb/flux/macros.go``).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

__all__ = ["ALL", "Range", "fill_in"]

ALL: Final = "$__all"

_variable: Final = re.compile(r"\$\{(\w+)(?::(\w+))?\}|\$(\w+)")
_macro: Final = re.compile(r"[a-zA-Z]+\.([a-zA-Z]+)")
_special: Final = re.compile(r"[\\^$*+?.()|\[\]{}/]")


@dataclass(frozen=True)
class Range:
    """Time range of a dashboard, and the window that its panels' width makes of it."""

    start_ns: int
    stop_ns: int
    window: str = "20s"


def fill_in(
    query: str,
    variables: Sequence[Mapping[str, object]],
    values: Mapping[str, str | list[str]],
    span: Range,
    *,
    bucket: str,
    organization: str,
) -> str:
    """The query as InfluxDB gets it; ``variables`` are the dashboard's, ``values`` what is chosen of them."""
    declared = {str(variable["name"]): variable for variable in variables}

    def value_of(match: re.Match[str]) -> str:
        name, how = match[1] or match[3], match[2]
        assert name in declared, f"the dashboard has no variable {name!r}"
        chosen = values[name]
        if chosen == ALL:
            assert declared[name].get("includeAll"), f"not all of {name!r} can be chosen"
            return str(declared[name]["allValue"])
        if how == "raw":
            assert declared[name]["type"] == "custom", f"{name!r} may hold what somebody else has named"
            return str(chosen)
        assert how == "regex", f"{name!r} stands in a regular expression, but is not escaped for one"
        if isinstance(chosen, str):
            return _escaped(chosen)
        assert declared[name].get("multi"), f"only one of {name!r} can be chosen"
        return f"({'|'.join(map(_escaped, chosen))})" if len(chosen) > 1 else _escaped(chosen[0])

    of_server = {
        "timeRangeStart": _rfc3339(span.start_ns),
        "timeRangeStop": _rfc3339(span.stop_ns),
        "windowPeriod": span.window,
        "bucket": f'"{bucket}"',
        "defaultBucket": f'"{bucket}"',
        "organization": f'"{organization}"',
    }
    return _macro.sub(lambda match: of_server.get(match[1], match[0]), _variable.sub(value_of, query))


def _escaped(value: str) -> str:
    return _special.sub(lambda match: f"\\{match[0]}", value)


def _rfc3339(time_ns: int) -> str:
    seconds, rest = divmod(time_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:09d}Z"
