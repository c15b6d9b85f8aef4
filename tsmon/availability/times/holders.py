"""What holds times: lists, arrays, and the columns, indexes and tables of other libraries.

No library is imported: whoever has an object of one has imported it. What stands for no value is left out here if
the library marks it apart (pandas' NA, masks, nulls of Arrow and polars), because the rest then has a plain type.
"""

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from tsmon.availability.times.single import raise_for_narrow_floats
from tsmon.availability.times.units import Units, shorten
from tsmon.errors import AvailabilityError
from tsmon.threads.locks import raise_interruption

__all__ = ["Held", "hold"]

_REMEDY: Final = "give a list, a column or an array of times"


class Held(NamedTuple):
    """Times as a NumPy array of integers, floats or ``datetime64``, or else as a list.

    ``positions`` are those of the times in what was given; None if they are 0, 1, 2, …
    """

    times: Any
    positions: Sequence[int] | None = None
    left_out: int = 0
    units: Units | None = None
    """What the numbers count if they are dates."""


def hold(times: Any) -> Held:
    """Times of any holder; raises :class:`~tsmon.errors.AvailabilityError` if it holds none."""
    try:
        return _as_array_or_list(_unpack(times))
    except AvailabilityError:
        raise
    except Exception as error:
        raise_interruption(error)
        if isinstance(times, Iterable) and not hasattr(type(times), "__len__"):
            raise  # an iterator of the user's own
        raise AvailabilityError(f"times is a {_name(times)} that holds no times; {_REMEDY}") from error


def _unpack(times: Any) -> Held:
    package = type(times).__module__.partition(".")[0]
    library = sys.modules.get(package)
    if isinstance(times, str | bytes | bytearray | Mapping) or not _is_iterable(times):
        raise AvailabilityError(f"times is {shorten(times)}; {_REMEDY}")
    if package == "xarray":
        times = _unpack_xarray(times)
    if package == "polars":
        return _unpack_polars(library, times)
    if package == "pyarrow":
        return _unpack_arrow(library, times)
    pandas = sys.modules.get("pandas")
    if pandas is not None and isinstance(
        times, pandas.Series | pandas.DataFrame | pandas.Index | pandas.api.extensions.ExtensionArray
    ):
        return _unpack_pandas(pandas, times)
    if getattr(times, "typecode", "") == "f" or (isinstance(times, memoryview) and times.format == "f"):
        raise_for_narrow_floats("float32")  # its elements are floats of 64 bits already
    return Held(times)


def _as_array_or_list(held: Held) -> Held:
    times, numpy = held.times, sys.modules.get("numpy")
    if numpy is None:
        return held._replace(times=list(times))
    if not isinstance(times, numpy.ndarray):
        if not hasattr(times, "__array__") or isinstance(times, list | tuple):
            return held._replace(times=list(times))
        times = numpy.asarray(times)
    if times.ndim != 1:
        raise AvailabilityError(f"the array of times has {times.ndim} dimensions; give one of one dimension")
    if times.dtype.names:
        raise AvailabilityError(
            f"times is an array with the fields {', '.join(times.dtype.names)}; give one, such as times['time']"
        )
    if isinstance(times, numpy.ma.MaskedArray):
        mask = numpy.ma.getmaskarray(times)
        held = _leave_out(numpy, held._replace(times=times.data), mask)
        times = held.times
    if times.dtype.kind == "m":
        raise AvailabilityError("times are durations (timedelta64); give times")
    if times.dtype.kind in "iufM":
        return held._replace(times=numpy.asarray(times))
    return held._replace(times=times.tolist())


def _leave_out(numpy: Any, held: Held, missing: Any) -> Held:
    """The rest, with its positions, if anything is missing."""
    if not missing.any():
        return held
    kept = numpy.flatnonzero(~missing)
    positions = kept if held.positions is None else numpy.asarray(held.positions)[kept]
    return held._replace(times=held.times[kept], positions=positions, left_out=held.left_out + int(missing.sum()))


def _unpack_pandas(pandas: Any, times: Any) -> Held:
    """Times of an index, a column or a table of pandas.

    Where the index is one of times, these are the times of a table or of a column of values, except the rows
    without a value: no point would be stored for them.
    """
    numpy = sys.modules["numpy"]
    held = Held(times)
    if isinstance(times, pandas.Series | pandas.DataFrame):
        if _holds_dates(pandas, times.index):
            missing = times.isna()
            if times.ndim == 2:
                missing = missing.all(axis=1) & bool(times.shape[1])
            held = _leave_out(numpy, Held(times.index), missing.to_numpy())
        elif times.ndim == 2:
            raise AvailabilityError(_refuse_table(pandas, times))
    if isinstance(held.times, pandas.MultiIndex):
        raise AvailabilityError("times is an index of several levels; give one, index.get_level_values(…)")
    times = held.times.array if hasattr(held.times, "array") else held.times
    if isinstance(times.dtype, pandas.SparseDtype):
        times = pandas.Index(times.to_dense()).array
    held = _leave_out(numpy, held._replace(times=times), numpy.asarray(times.isna()))
    return held._replace(times=_convert_pandas(pandas, held.times))


def _holds_dates(pandas: Any, index: Any) -> bool:
    """Whether an index is one of dates; one of Arrow's types or of Python's datetimes has no class of its own."""
    if isinstance(index, pandas.DatetimeIndex | pandas.PeriodIndex):
        return True
    return index.dtype.kind in "MO" and index.inferred_type in ("datetime64", "datetime", "date", "period")


def _convert_pandas(pandas: Any, times: Any) -> Any:
    """An array of pandas without missing values as one of NumPy; dates in UTC."""
    if isinstance(times.dtype, pandas.CategoricalDtype):
        return _convert_pandas(pandas, pandas.Index(times.astype(times.categories.dtype)).array)
    if isinstance(times.dtype, pandas.PeriodDtype):
        times = pandas.PeriodIndex(times).to_timestamp()
    if times.dtype.kind == "M":
        index = pandas.DatetimeIndex(times)
        return (index if index.tz is None else index.tz_convert("UTC").tz_localize(None)).to_numpy()
    if times.dtype.kind in "iuf":
        return times.to_numpy(dtype=f"{times.dtype.kind}{times.dtype.itemsize}")
    return times.to_numpy(dtype=object) if times.dtype.kind != "m" else times.to_numpy()


def _refuse_table(pandas: Any, table: Any) -> str:
    columns = [name for name, kind in table.dtypes.items() if pandas.api.types.is_datetime64_any_dtype(kind)]
    example = f"table[{columns[0]!r}]" if columns else "table['time']"
    return f"times is a table whose index holds no dates; give its column of times, such as {example}"


def _unpack_polars(polars: Any, times: Any) -> Held:
    if not isinstance(times, polars.Series):
        raise AvailabilityError("times is a table; give its column of times, such as table['time']")
    if times.dtype == polars.Categorical:
        times = times.cast(polars.String)
    kept, left_out = None, times.null_count()
    if left_out:
        kept, times = times.is_not_null().arg_true().to_list(), times.drop_nulls()
    if times.dtype == polars.Float32:
        raise_for_narrow_floats("float32")
    unit = "D" if times.dtype == polars.Date else getattr(times.dtype, "time_unit", None)
    if times.dtype in (polars.Date, polars.Datetime):
        return Held(times.to_physical().to_list(), kept, left_out, Units.of(unit))
    return Held(times.to_list(), kept, left_out)


def _unpack_arrow(arrow: Any, times: Any) -> Held:
    if not isinstance(times, arrow.Array | arrow.ChunkedArray):
        raise AvailabilityError("times is a table; give its column of times, such as table['time']")
    if isinstance(times.type, arrow.DictionaryType):
        times = times.cast(times.type.value_type)
    kept, left_out = None, times.null_count
    if left_out:
        kept = [position for position, is_valid in enumerate(times.is_valid().to_pylist()) if is_valid]
        times = times.drop_null()
    kind = times.type
    if kind in (arrow.float32(), arrow.float16()):
        raise_for_narrow_floats(str(kind))
    if arrow.types.is_timestamp(kind):
        return Held(times.cast(arrow.int64()).to_pylist(), kept, left_out, Units.of(kind.unit))
    return Held(times.to_pylist(), kept, left_out)


def _unpack_xarray(times: Any) -> Any:
    """A column of pandas with the coordinate of the array as its index, if it is an array of one dimension.

    Where the dimension only counts, as that of observations does, this is the one coordinate of dates along it.
    """
    if times.ndim != 1 or not hasattr(times, "to_series"):
        return times.to_numpy()
    column = times.to_series()
    dates = [one for one in times.coords.values() if one.dims == times.dims and one.dtype.kind == "M"]
    if len(dates) == 1 and column.index.dtype.kind in "iu" and times.dtype.kind != "M":
        column.index = dates[0].to_numpy()
    return column


def _is_iterable(times: Any) -> bool:
    try:
        iter(times)
    except TypeError:
        return False
    return True


def _name(times: Any) -> str:
    return f"{type(times).__module__.partition('.')[0]}.{type(times).__name__}"
