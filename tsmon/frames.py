"""Results of a store's queries as tables of pandas or Arrow.

::

    series = await store.series(selector, start_ns=…, stop_ns=…, every_ns=…)
    frame = to_pandas(series)
    table = to_arrow(series)

Times become ``datetime64[ns, UTC]`` and ``timestamp[ns, tz=UTC]``, exact to the nanosecond. Nothing else needs
these libraries, and each is imported only when it is used.
"""

from typing import TYPE_CHECKING, Any, TypeAlias

from tsmon.errors import TsmonError
from tsmon.stores import Bin, Newest, Series, Values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

__all__ = ["Answer", "to_arrow", "to_pandas"]

Answer: TypeAlias = "Sequence[Series] | Sequence[Bin] | Sequence[Newest] | Sequence[Values]"
"""What ``series()``, ``bins()``, ``newest()`` and ``values()`` of a store return."""

_Columns: TypeAlias = dict[str, list[Any]]


def to_pandas(answer: Answer) -> "pd.DataFrame":
    """Convert an answer to a DataFrame.

    From ``series()``: a row for each window of each series, with ``time`` (its start), a column for each tag (empty
    for a series without that tag) and ``value``. From ``bins()``: ``start``, ``first``, ``last``, ``count``. From
    ``newest()`` and ``values()``: ``time``, the tags, ``value``. A tag with the name of another column becomes
    ``tag_…``. An empty answer becomes a table without rows.
    """
    pandas = _import("pandas")
    times, columns = _build_columns(answer)
    data = {name: pandas.to_datetime(pandas.Series(of, dtype="int64"), utc=True) for name, of in times.items()}
    data |= {name: pandas.Series(of, dtype="int64" if name == "count" else None) for name, of in columns.items()}
    return pandas.DataFrame(data)


def to_arrow(answer: Answer) -> "pa.Table":
    """Convert an answer to an Arrow table, with the columns of :func:`to_pandas`."""
    arrow = _import("pyarrow")
    times, columns = _build_columns(answer)
    time_type = arrow.timestamp("ns", tz="UTC")
    data = {name: arrow.array(of, type=time_type) for name, of in times.items()}
    types = {"count": arrow.int64(), "value": None}
    data |= {name: arrow.array(of, type=types.get(name, arrow.string())) for name, of in columns.items()}
    return arrow.table(data)


def _build_columns(answer: Answer) -> tuple[_Columns, _Columns]:
    """The columns that hold times, and the others."""
    bins = [item for item in answer if isinstance(item, Bin)]
    if bins:
        return (
            {
                "start": [one.start_ns for one in bins],
                "first": [one.first_ns for one in bins],
                "last": [one.last_ns for one in bins],
            },
            {"count": [one.count for one in bins]},
        )
    rows: list[tuple[int, Mapping[str, str], Any]] = []
    for item in answer:
        if isinstance(item, Series | Values):
            rows.extend(
                (time_ns, item.tags, value) for time_ns, value in zip(item.times_ns, item.values, strict=True)
            )
        elif isinstance(item, Newest):
            rows.append((item.time_ns, item.tags, item.value))
    keys = sorted({key for _, tags, _ in rows for key in tags})
    columns: _Columns = {_column(key): [tags.get(key) for _, tags, _ in rows] for key in keys}
    columns["value"] = [value for _, _, value in rows]
    return {"time": [time_ns for time_ns, _, _ in rows]}, columns


def _column(key: str) -> str:
    return f"tag_{key}" if key in ("time", "value", "count") else key


def _import(name: str) -> Any:
    import importlib

    try:
        return importlib.import_module(name)
    except ImportError:
        raise TsmonError(f"{name} is not installed; install it: pip install {name}") from None
