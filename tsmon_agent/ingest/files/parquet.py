"""Parquet: each row is a point, by a mapping of columns that their types complete. Needs the extra arrow."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, BinaryIO, Final

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.chunks import BadRow, Chunk
from tsmon_agent.ingest.files.column_guessing import TableMapping
from tsmon_agent.ingest.files.column_mapping import ColumnMapping
from tsmon_agent.ingest.files.column_names import find_time_columns
from tsmon_agent.ingest.files.csv_records import add_to_chunk
from tsmon_agent.ingest.files.local_times import LocalTime
from tsmon_agent.ingest.files.repeated_hours import RowOrder
from tsmon_agent.ingest.files.row_conversion import RowConverter
from tsmon_agent.ingest.files.table_doubts import check_epoch, count_replaced, find_zone_name, refuse_dates
from tsmon_agent.ingest.files.table_layout import TableLayout
from tsmon_agent.tables.numbers import NumberForm
from tsmon_agent.tables.times import find_time_form, has_date, is_time_of_day

__all__ = ["Parquet", "complete_parquet_mapping"]

BATCH_ROWS: Final = 10_000
INDEX: Final = "__index_level_0__"
"""Name of a column that pandas writes for an index without one."""

_EPOCH: Final = datetime(1970, 1, 1)  # noqa: DTZ001
_SCALES: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}


@dataclass(frozen=True, slots=True)
class Parquet:
    """Reads Parquet, by a mapping from :func:`complete_parquet_mapping`; positions and lines are rows.

    A row of nulls has no values, which is no mistake.
    """

    path: Path
    table: TableMapping

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:  # noqa: ARG002
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`."""
        rows = RowConverter(self.table)
        names = list(self.table.layout.names)
        values = [names.index(name) for name in self.table.mapping.fields]
        order = RowOrder()
        number = 0
        for batch in _read_batches(self.path, file, names):
            times = _read_times(batch.column(names.index(str(self.table.mapping.time))))
            columns = [_format_column(batch.column(index)) for index in range(len(names))]
            chunk = Chunk([], [], number + batch.num_rows, number + batch.num_rows + 1)
            for index, cells in enumerate(zip(*columns, strict=True)):
                number += 1
                row = [*cells]
                time = times[index] if times is not None else None
                placed: list[Any] = []
                try:
                    if times is not None and time is None:
                        raise ValueError("it has no time")
                    made = rows.convert(row, time) if any(row[column] for column in values) else None
                    if made is not None:
                        placed = order.place(number, ",".join(row), made)
                except ValueError as error:
                    placed = [BadRow(number, str(error), ",".join(row))]
                if number > position:
                    add_to_chunk(chunk, placed)
            if number > position:
                yield chunk
        rest = Chunk([], [], number, number + 1)
        add_to_chunk(rest, order.finish())
        if rest.lines or rest.bad:
            yield rest


def complete_parquet_mapping(path: Path, mapping: ColumnMapping, file: BinaryIO) -> TableMapping:
    """Complete a mapping by the names and types of the columns; raises :class:`~tsmon.errors.ImportingError`."""
    schema = _open(path, file).schema_arrow
    import pyarrow as pa

    kinds = {field.name: _find_kind(field.type) for field in schema}
    for column in (mapping.time, mapping.measurement_column, *mapping.tags, *mapping.fields):
        if column is not None and column not in kinds:
            raise ImportingError(f"there is no column {column}; there are {', '.join(kinds)}")
    if len(kinds) < len(schema):
        raise ImportingError("two columns have the same name; rename one")
    time = _find_time(mapping, kinds)
    if mapping.measurement is None and mapping.measurement_column is None:
        raise ImportingError("a table does not say what it measures; name it by --measurement")
    tags, fields = list(mapping.tags), dict(mapping.fields)
    left_out: list[str] = []
    for name, kind in kinds.items():
        if name in (time, mapping.measurement_column, *mapping.tags) or mapping.fields:
            continue
        if name == INDEX:
            left_out.append("the index")
        elif kind in ("time", "other"):
            left_out.append(f"{name} ({schema.field(name).type})")
        elif kind == "str" and not mapping.tags:
            tags.append(name)
        else:
            fields[name] = kind
    if not fields:
        raise ImportingError("no column holds numbers; name the fields by --field COLUMN:TYPE")
    unusable = [name for name in (*tags, *fields) if kinds[name] == "other"]
    if unusable:
        raise ImportingError(f"the column {unusable[0]} is of type {schema.field(unusable[0]).type}; name another")
    names = [name for name in kinds if name in (time, mapping.measurement_column, *tags, *fields)]
    type_ = schema.field(time).type
    if kinds[time] == "float" and type_ in (pa.float32(), pa.float16()):
        raise ImportingError(
            f"the column {time} is of type {type_}, which is off by up to a minute; save it as double or timestamp"
        )
    texts = [] if kinds[time] == "time" else _read_first_texts(path, file, time)
    form = "iso" if kinds[time] == "time" else mapping.time_format or find_time_form(texts)
    clocks = [name for name in kinds if pa.types.is_time(schema.field(name).type)]
    clocks += [
        name for name in tags if (found := _read_first_texts(path, file, name)) and all(map(is_time_of_day, found))
    ]
    are_dates = pa.types.is_date(type_) or (bool(texts) and all(has_date(text, only=True) for text in texts))
    if mapping.time_of_day is not None or (are_dates and clocks):
        raise ImportingError(
            f"the columns {time} and {mapping.time_of_day or clocks[0]} hold dates and times of day; "
            "save both as one column of type timestamp"
        )
    if are_dates and _has_replaced(path, file, [time, *tags], mapping.measurement_column, [*fields]):
        raise refuse_dates(time)
    if form in _SCALES:
        check_epoch(time, [time])
    is_naive = type_.tz is None if pa.types.is_timestamp(type_) else form not in _SCALES
    complete = replace(
        mapping,
        time=time,
        time_of_day=None,
        time_format=form,
        timezone=find_zone_name([time], mapping.timezone) if is_naive else mapping.timezone,
        tags=tuple(tags),
        fields=fields,
    )
    layout = TableLayout(delimiter=",", comment="", header_line=1, names=tuple(names), data_line=1)
    return TableMapping(mapping=complete, layout=layout, numbers=NumberForm(), left_out=left_out)


def _open(path: Path, file: BinaryIO) -> Any:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError:
        raise ImportingError(f"{path} is Parquet; pip install 'tsmon[arrow]' to read it") from None
    try:
        file.seek(0)
        return parquet.ParquetFile(file)
    except (pa.ArrowException, OSError):
        raise ImportingError(f"{path} is Parquet that is damaged or cut off; get the file once more") from None


def _read_batches(path: Path, file: BinaryIO, names: Sequence[str]) -> Iterator[Any]:
    opened = _open(path, file)
    import pyarrow as pa

    try:
        for batch in opened.iter_batches(BATCH_ROWS):
            yield batch.select(list(names))
    except (pa.ArrowException, OSError):
        raise ImportingError(
            f"{path} is Parquet that is damaged or cut off; what came before is imported; get the file once more"
        ) from None


def _find_kind(type_: Any) -> str:
    """The type of a field for a column of this type; ``time`` for times, ``other`` for what no field can hold."""
    from pyarrow import types

    if types.is_dictionary(type_):
        type_ = type_.value_type
    if types.is_timestamp(type_) or types.is_date(type_):
        return "time"
    if types.is_uint64(type_):
        return "uint"
    if types.is_integer(type_):
        return "int"
    if types.is_floating(type_) or types.is_decimal(type_):
        return "float"
    if types.is_boolean(type_):
        return "bool"
    is_text = types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_)
    return "str" if is_text else "other"


def _find_time(mapping: ColumnMapping, kinds: dict[str, str]) -> str:
    names = list(kinds)
    named = [names[index] for index in find_time_columns(names, mapping.time)]
    typed = [name for name in names if kinds[name] == "time"]
    found = [name for name in named if name in typed] or (named if mapping.time or not typed else typed)
    if not found:
        raise ImportingError(f"none of the columns {', '.join(names)} holds times; name it by --time")
    if len(found) > 1:
        raise ImportingError(f"the columns {' and '.join(found)} may both be the time; name it by --time")
    if kinds[found[0]] in ("bool", "other"):
        raise ImportingError(f"the column {found[0]} holds no times; name another by --time")
    return found[0]


def _read_first_texts(path: Path, file: BinaryIO, name: str) -> list[str]:
    first = next(_read_batches(path, file, [name]), None)
    return [text for text in _format_column(first.column(0)) if text] if first is not None else []


def _has_replaced(path: Path, file: BinaryIO, keys: list[str], measurement: str | None, fields: list[str]) -> bool:
    if measurement is not None and measurement not in keys:
        keys = [*keys, measurement]
    first = next(_read_batches(path, file, [*keys, *fields]), None)
    if first is None:
        return False
    rows = [*zip(*(_format_column(column) for column in first.columns), strict=True)]
    return count_replaced((row[: len(keys)] for row in rows), [row[len(keys) :] for row in rows]) > 0


def _read_times(column: Any) -> list[int | LocalTime | None] | None:
    """The times of a column of a type for times; None for another type."""
    import pyarrow as pa
    from pyarrow import types

    if types.is_date(column.type):
        column = column.cast(pa.timestamp("s") if types.is_date32(column.type) else pa.timestamp("ms"))
    if not types.is_timestamp(column.type):
        return None
    scale = _SCALES[column.type.unit]
    values = column.cast(pa.int64()).to_pylist()
    if column.type.tz is not None:
        return [None if value is None else value * scale for value in values]
    return [None if value is None else _to_local_time(value * scale) for value in values]


def _to_local_time(time_ns: int) -> LocalTime:
    microseconds, nanoseconds = divmod(time_ns, 1000)
    return LocalTime(_EPOCH + timedelta(microseconds=microseconds), nanoseconds)


def _format_column(column: Any) -> list[str]:
    """The values as a table has them; empty for null and NaN."""
    from pyarrow import types

    values = column.to_pylist()
    if types.is_boolean(column.type):
        return ["" if value is None else str(value).lower() for value in values]
    if types.is_floating(column.type):
        return ["" if value is None or value != value else repr(value) for value in values]
    return ["" if value is None else str(value) for value in values]
