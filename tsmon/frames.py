"""Results of a store's queries, and intervals of reports, as tables of pandas or Arrow.

::

    series = await store.series(selector, start_ns=…, stop_ns=…, every_ns=…)
    frame = to_pandas(series)
    table = to_arrow(series)
    gaps = to_pandas(report.intervals)

Times become ``datetime64[ns, UTC]`` and ``timestamp[ns, tz=UTC]``, exact to the nanosecond. Nothing else needs
these libraries, and each is imported only when it is used.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from tsmon.availability import APPEARANCES, Appearance, Interval, Report
from tsmon.errors import TsmonError
from tsmon.stores import AnswerRows, Bin, BinColumns, Count, Newest, Series, Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa

__all__ = ["Answer", "to_arrow", "to_pandas"]

Answer: TypeAlias = (
    Sequence[Series]
    | Sequence[Bin]
    | Sequence[Newest]
    | Sequence[Values]
    | Sequence[Count]
    | Sequence[Interval]
    | Report
)
"""What ``series()``, ``bins()``, ``newest()``, ``values()`` and ``counts()`` of a store return; the intervals of a
report, or the report."""

_MAX_EXACT: Final = 2**53
"""Integers up to this are exact as floats."""


class _Columns(NamedTuple):
    """Columns of a table by their contents, in the order of the table; ``values`` may be of any one type."""

    times: dict[str, list[int]]
    texts: dict[str, list[str | None]]
    numbers: dict[str, list[int]]
    values: dict[str, list[Any]]


def to_pandas(answer: Answer) -> "pd.DataFrame":
    """Convert an answer to a DataFrame.

    From ``series()``: a row for each window of each series, with ``time`` (its start), a column for each tag (empty
    for a series without that tag) and ``value``. From ``bins()``: ``start``, ``first``, ``last``, ``count``. From
    ``newest()`` and ``values()``: ``time``, the tags, ``value``. From ``counts()``: the tags, ``count``. From
    intervals: ``start``, ``end``, ``category`` (its name), ``points``. A tag with the name of another column is
    ``tag_…``. An empty answer becomes a table without rows, with the same columns of the same types; tags and types
    of values are then unknown, and values are floats. Raises :class:`~tsmon.errors.TsmonError` for anything else.
    """
    pandas = _import("pandas")
    columns = _build_columns(answer)
    data = {
        name: pandas.to_datetime(pandas.Series(of, dtype="int64"), utc=True).astype("datetime64[ns, UTC]")
        for name, of in columns.times.items()
    }
    data |= {name: pandas.Series(of, dtype="str") for name, of in columns.texts.items()}
    data |= {name: pandas.Series(of, dtype="int64") for name, of in columns.numbers.items()}
    data |= {name: pandas.Series(of, dtype=_choose_dtype(of)) for name, of in columns.values.items()}
    return pandas.DataFrame(data)


def to_arrow(answer: Answer) -> "pa.Table":
    """Convert an answer to an Arrow table, with the columns of :func:`to_pandas`."""
    arrow = _import("pyarrow")
    columns = _build_columns(answer)
    time_type = arrow.timestamp("ns", tz="UTC")
    data = {name: arrow.array(of, type=time_type) for name, of in columns.times.items()}
    data |= {name: arrow.array(of, type=arrow.string()) for name, of in columns.texts.items()}
    data |= {name: arrow.array(of, type=arrow.int64()) for name, of in columns.numbers.items()}
    for name, of in columns.values.items():
        try:
            data[name] = arrow.array(of, type=None if of else arrow.float64())
        except (arrow.ArrowInvalid, arrow.ArrowTypeError):
            types = ", ".join(sorted({type(value).__name__ for value in of}))
            raise TsmonError(f"the values are of several types ({types}); select series of one type") from None
    return arrow.table(data)


def _build_columns(answer: Any) -> _Columns:
    if isinstance(answer, Report):
        return _build_interval_columns(answer.intervals, answer.rules.appearances)
    if isinstance(answer, str | bytes) or not isinstance(answer, Iterable):
        raise TsmonError(f"an answer of type {type(answer).__name__} is no table; {_REMEDY}")
    rows = answer if isinstance(answer, Sequence) else list(answer)
    kinds = {kind for kind in _BUILDERS if any(type(row) is kind for row in rows)}
    for position, row in enumerate(rows):
        if type(row) not in _BUILDERS:
            raise TsmonError(f"answer[{position}] is of type {type(row).__name__}; {_REMEDY}")
    if len(kinds) > 1:
        names = " and ".join(sorted(kind.__name__ for kind in kinds))
        raise TsmonError(f"the answer contains {names}; convert each on its own")
    return _BUILDERS[kinds.pop() if kinds else _kind_of(answer)](rows)


def _kind_of(answer: Any) -> type:
    """What an empty answer has none of."""
    return Bin if isinstance(answer, BinColumns) else answer.kind if isinstance(answer, AnswerRows) else Series


def _build_interval_columns(
    intervals: Sequence[Interval], appearances: Sequence[Appearance] = APPEARANCES
) -> _Columns:
    times = {"start": [one.start_ns for one in intervals], "end": [one.end_ns for one in intervals]}
    names: list[str | None] = [appearances[one.category].name for one in intervals]
    return _Columns(times, {"category": names}, {"points": [one.count for one in intervals]}, {})


def _build_bin_columns(bins: Sequence[Bin]) -> _Columns:
    times = {
        "start": [one.start_ns for one in bins],
        "first": [one.first_ns for one in bins],
        "last": [one.last_ns for one in bins],
    }
    return _Columns(times, {}, {"count": [one.count for one in bins]}, {})


def _build_count_columns(counts: Sequence[Count]) -> _Columns:
    return _Columns({}, _build_tags([one.tags for one in counts]), {"count": [one.count for one in counts]}, {})


def _build_newest_columns(rows: Sequence[Newest]) -> _Columns:
    times = {"time": [one.time_ns for one in rows]}
    return _Columns(times, _build_tags([one.tags for one in rows]), {}, {"value": [one.value for one in rows]})


def _build_series_columns(series: Sequence[Series | Values]) -> _Columns:
    rows = [
        (time_ns, one.tags, value)
        for one in series
        for time_ns, value in zip(one.times_ns, one.values, strict=True)
    ]
    times, values = {"time": [time_ns for time_ns, _, _ in rows]}, [value for _, _, value in rows]
    return _Columns(times, _build_tags([tags for _, tags, _ in rows]), {}, {"value": values})


_BUILDERS: Final[dict[type, Callable[[Any], _Columns]]] = {
    Bin: _build_bin_columns,
    Count: _build_count_columns,
    Interval: _build_interval_columns,
    Newest: _build_newest_columns,
    Series: _build_series_columns,
    Values: _build_series_columns,
}
_REMEDY: Final = "give what a query of a store returned, a report or its intervals"


def _build_tags(tags: "Sequence[Mapping[str, str]]") -> dict[str, list[str | None]]:
    keys = sorted({key for of in tags for key in of})
    return {
        f"tag_{key}" if key in ("time", "value", "count") else key: [of.get(key) for of in tags] for key in keys
    }


def _choose_dtype(values: list[Any]) -> str | None:
    """The type of values in pandas, if it would choose another, or lose digits of large integers beside floats."""
    if not values:
        return "float64"
    if {*map(type, values)} == {int, float} and any(abs(one) > _MAX_EXACT for one in values if type(one) is int):
        return "object"
    return None


def _import(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise TsmonError(f"{name} is not installed; install it: pip install {name}") from None
