"""A table of the dialect of ``influx write``: each row is one line."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import tzinfo

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.csv_records import Field, build_undated_line
from tsmon_agent.ingest.files.local_times import LocalTimes
from tsmon_agent.ingest.files.repeated_hours import UndatedLine
from tsmon_agent.ingest.files.write_dialect.columns import Column, Part
from tsmon_agent.ingest.files.write_dialect.data_types import Converter, build_converter, describe_type
from tsmon_agent.ingest.files.write_dialect.times import TimeParser, build_time_parser

__all__ = ["TableOptions", "WriteTable"]


@dataclass(frozen=True, slots=True)
class TableOptions:
    """What options say: the measurement and zone of tables that have none, and the unit of numbers."""

    measurement: str | None
    zone: tzinfo
    unit_ns: int | None


class WriteTable:
    """Converts the rows of a table; raises ImportingError if its columns make no line."""

    def __init__(
        self, columns: Sequence[Column], added: Sequence[Column], zone: tzinfo | None, options: TableOptions
    ) -> None:
        self._columns = columns
        self._added = added
        self._options = options
        self._all = [*columns, *added]
        self._by_name = {one.name: one for one in reversed(self._all)}
        self._check_templates()
        self._measurement = self._find_one("measurement", "_measurement")
        time = self._find_one("time", "_time")
        if time is None:
            raise ImportingError("no column is the time; give one the type dateTime")
        self._time = time
        zone = zone or options.zone
        try:
            self._parse_time: TimeParser = build_time_parser(time.name, time.type.format, zone, options.unit_ns)
        except ValueError as error:
            raise ImportingError(f"column {time.name}: {error}") from None
        self._clock = LocalTimes(zone, time.name)
        self._name_of_field = self._by_name.get("_field")
        self._tags: list[Column] = []
        self._fields: list[tuple[Column | None, Column, Converter]] = []
        self._sort_columns()

    def add(self, added: Sequence[Column], zone: tzinfo | None) -> "WriteTable":
        """The same table with more columns, which annotations between its rows have added."""
        return WriteTable(self._columns, [*self._added, *added], zone, self._options)

    def build_line(self, cells: Sequence[str]) -> UndatedLine:
        """Convert a row; raises ValueError with the reason."""
        width = len(self._columns)
        if any(cells[width:]):
            raise ValueError(f"it has {len(cells)} cells, and the table has {width} columns")
        text = self._texts(cells)
        measurement = (text(self._measurement) if self._measurement else "") or self._options.measurement
        if not measurement:
            raise ValueError(
                "it has no measurement; give a column the type measurement, or name it by --measurement"
            )
        fields: list[Field] = []
        for name, column, converter in self._fields:
            key, value = text(name) if name else column.name, text(column)
            if not (key and value):
                continue
            try:
                fields.append((key, *converter(value)))
            except ValueError:
                what = describe_type(column.type.name, column.type.format)
                raise ValueError(f"column {column.name}: {value!r} is not {what}") from None
        time = text(self._time)
        if not time:
            raise ValueError("it has no time, so importing it again would make another point")
        tags = [(one.name, text(one)) for one in self._tags]
        return build_undated_line(measurement, tags, fields, self._clock.place(self._parse_time(time)))

    def _texts(self, cells: Sequence[str]) -> Callable[[Column], str]:
        def text(column: Column) -> str:
            if column.is_template:
                return column.fill(lambda name: self._by_name[name].text(cells))
            return column.text(cells)

        return text

    def _sort_columns(self) -> None:
        """Find the tags and fields; a name that occurs twice would make one of two columns vanish."""
        names = set()
        for one in self._all:
            part = one.type.part
            if one in (self._measurement, self._time, self._name_of_field) or part in ("ignored", "time"):
                continue
            if part == "measurement" or not one.name.strip():
                continue
            is_value = one.name == "_value" and self._name_of_field is not None
            if self._name_of_field is not None and not (part or is_value):
                # As in the results of queries, where other columns describe the result.
                continue
            if one.name in names:
                raise ImportingError(f"two columns are called {one.name}; rename one, or give it the type ignored")
            names.add(one.name)
            if part == "tag":
                self._tags.append(one)
                continue
            try:
                converter = build_converter(one.type.name, one.type.format)
            except ValueError as error:
                raise ImportingError(f"column {one.name}: {error}") from None
            self._fields.append((self._name_of_field if is_value else None, one, converter))
        if not self._fields:
            raise ImportingError("no column is a field; give one a type such as double")

    def _find_one(self, part: Part, name: str) -> Column | None:
        """The column of this name, or the only one of this part."""
        found = [one for one in self._all if one.name == name or one.type.part == part]
        found = [one for one in found if one.name not in ("_start", "_stop")]
        named = [one for one in found if one.name == name]
        if len(found) > 1 and len(named) != 1:
            names = " and ".join(one.name for one in found)
            raise ImportingError(
                f"the {part} is in more than one column, {names}; give the others the type ignored"
            )
        return next(iter(named or found), None)

    def _check_templates(self) -> None:
        for one in self._added:
            for name in one.names_in_template:
                if name not in self._by_name or self._by_name[name].is_template:
                    names = ", ".join(column.name for column in self._columns)
                    raise ImportingError(f"{one.name}: there is no column {name} to insert; there are {names}")
