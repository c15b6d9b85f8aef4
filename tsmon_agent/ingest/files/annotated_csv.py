"""InfluxDB's annotated CSV, as ``influx query --raw`` and ``/api/v2/query`` return it.

In a table with ``_field`` and ``_value``, each row is one field. In a pivoted table, every column without a leading
underscore is a field, unless it belongs to the group key. Other string columns, and those of the group key, are
tags.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

from tsmon.errors import StoreError
from tsmon.stores.influxdb.annotated_csv import Row, TableParser
from tsmon_agent.ingest.files.chunks import Chunk
from tsmon_agent.ingest.files.csv_records import Field, build_line, read_records
from tsmon_agent.ingest.files.local_times import LocalTimes, find_zone

__all__ = ["AnnotatedCsv"]

_KINDS: Final = {
    "boolean": "bool",
    "double": "float",
    "long": "int",
    "string": "str",
    "unsignedLong": "uint",
}


@dataclass(frozen=True, slots=True)
class AnnotatedCsv:
    """Reads annotated CSV. ``measurement`` is for tables without a column ``_measurement``.

    ``encoding`` is that of the file before it was made UTF-8, if it was given or recognised.
    """

    measurement: str | None = None
    timezone: str = "UTC"
    encoding: str | None = None

    def read_chunks(self, file: BinaryIO, position: int, line: int) -> Iterator[Chunk]:  # noqa: ARG002
        """See :class:`~tsmon_agent.ingest.files.chunks.Reader`; positions are line numbers."""
        tables = TableParser()

        def convert(cells: list[str]) -> Iterator[str]:
            try:
                row = tables.parse_record(cells)
            except StoreError as error:
                raise ValueError(str(error)) from None
            if row is not None and (made := self._build_line(row)) is not None:
                yield made

        local_times = LocalTimes(find_zone(self.timezone), "_time")
        yield from read_records(file, position, ",", convert, local_times, encoding=self.encoding)

    def _build_line(self, row: Row) -> str | None:
        values, types = row.values, row.types
        measurement = values.get("_measurement", self.measurement)
        if measurement is None:
            raise ValueError("it has no _measurement; name one by --measurement")
        if "_time" not in values:
            raise ValueError("it has no _time")
        tags = dict(row.tags)
        fields: list[Field] = []
        if "_field" in types and "_value" in types:
            tags |= {key: value for key, value in values.items() if _is_tag(key, types[key])}
            if "_value" in values:
                fields = [(values["_field"], values["_value"], _type_of("_value", types["_value"]))]
        else:
            for key, value in values.items():
                if not key.startswith("_") and key not in row.tags:
                    fields.append((key, value, _type_of(key, types[key])))
        # A row of nulls has no values; it is not an error.
        return build_line(measurement, tags.items(), fields, values["_time"]) if fields else None


def _is_tag(key: str, type_: str) -> bool:
    return type_ == "string" and not key.startswith("_")


def _type_of(key: str, type_: str) -> str:
    if type_ not in _KINDS:
        raise ValueError(f"column {key} is of type {type_}, which no field can have")
    return _KINDS[type_]
