"""The meaning of each column of a plain table: given, or guessed from its first rows."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.local_times import find_zone

__all__ = ["FIELD_TYPES", "TIME_UNITS", "ColumnMapping", "guess_mapping", "load_mapping", "override_mapping"]

TIME_UNITS: Final = {"s": 10**9, "ms": 10**6, "us": 10**3, "ns": 1}
FIELD_TYPES: Final = ("float", "int", "uint", "bool", "str")
TIME_NAMES: Final = ("_time", "time", "timestamp", "datetime", "date", "time_utc", "ts")
KEYS: Final = (
    "time",
    "time_format",
    "timezone",
    "measurement",
    "measurement_column",
    "tags",
    "fields",
    "delimiter",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Columns by name; ``fields`` with their types.

    ``time_format`` is ``iso``, one of s, ms, us and ns since the epoch, or a format of ``datetime.strptime``. Times
    without a zone are in ``timezone``.
    """

    time: str | None = None
    time_format: str | None = None
    timezone: str = "UTC"
    measurement: str | None = None
    measurement_column: str | None = None
    tags: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    delimiter: str = ","

    def __str__(self) -> str:
        fields = ", ".join(f"{name} ({kind})" for name, kind in self.fields.items())
        measurement = self.measurement or f"column {self.measurement_column}"
        return (
            f"time: {self.time} ({self.time_format}, {self.timezone}); measurement: {measurement}; "
            f"tags: {', '.join(self.tags) or 'none'}; fields: {fields}"
        )


def load_mapping(path: Path) -> ColumnMapping:
    """Read a mapping from a TOML file whose keys are the names of the options; raises ImportingError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ImportingError(f"the mapping {path} cannot be read: {error}") from None
    for key in values:
        if key not in KEYS:
            raise ImportingError(f"{path}: {key} is not a key of a mapping; choose from {', '.join(KEYS)}")
    return _parse_mapping(str(path), values)


def override_mapping(base: ColumnMapping, *, fields: Sequence[str], **given: Any) -> ColumnMapping:
    """``base`` with the values of the options; a field is ``column`` or ``column:type``."""
    changes = {key: value for key, value in given.items() if value}
    if fields:
        changes["fields"] = dict(_parse_field("--field", one) for one in fields)
    return replace(base, **changes)


def guess_mapping(mapping: ColumnMapping, names: Sequence[str], rows: Sequence[Sequence[str]]) -> ColumnMapping:
    """Complete a mapping from a header and some rows; raises ImportingError if that is impossible."""
    for column in (mapping.time, mapping.measurement_column, *mapping.tags, *mapping.fields):
        if column is not None and column not in names:
            raise ImportingError(f"there is no column {column}; there are {', '.join(names)}")
    time = mapping.time or next((name for name in names if name.strip().lower() in TIME_NAMES), None)
    if time is None:
        raise ImportingError(f"none of the columns {', '.join(names)} is called time; name it by --time")
    if mapping.measurement is None and mapping.measurement_column is None:
        raise ImportingError("a plain table does not say what it measures; name it by --measurement")
    values = {name: [row[i] for row in rows if i < len(row) and row[i].strip()] for i, name in enumerate(names)}
    tags, fields = list(mapping.tags), dict(mapping.fields)
    if not fields:
        others = [name for name in names if name not in (time, mapping.measurement_column, *tags)]
        for name in others:
            if not values[name]:
                continue
            if all(map(_is_number, values[name])):
                fields[name] = "float"
            elif all(value.strip().lower() in ("true", "false") for value in values[name]):
                fields[name] = "bool"
            elif not mapping.tags:
                tags.append(name)
            else:
                fields[name] = "str"
    if not fields:
        raise ImportingError("no column holds numbers; name the fields by --field COLUMN:TYPE")
    time_format = mapping.time_format or _guess_time_format(values[time])
    return replace(mapping, time=time, time_format=time_format, tags=tags, fields=fields)


def _parse_mapping(source: str, values: dict[str, Any]) -> ColumnMapping:
    fields = values.pop("fields", {})
    if isinstance(fields, list):
        fields = dict(_parse_field(f"{source}: fields", str(one)) for one in fields)
    for name, kind in fields.items():
        _parse_field(f"{source}: fields", f"{name}:{kind}")
    for key, value in values.items():
        expected = list if key == "tags" else str
        if not isinstance(value, expected):
            raise ImportingError(f"{source}: {key} is {value!r}; give {'a list' if key == 'tags' else 'a text'}")
    mapping = ColumnMapping(fields=fields, **values)
    find_zone(mapping.timezone)
    return mapping


def _parse_field(source: str, text: str) -> tuple[str, str]:
    name, separator, kind = text.rpartition(":")
    if not separator:
        return text, "float"
    if kind not in FIELD_TYPES:
        raise ImportingError(f"{source} {text}: {kind} is not a type; choose from {', '.join(FIELD_TYPES)}")
    return name, kind


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _guess_time_format(texts: Sequence[str]) -> str:
    """``iso``, or the unit of a number since the epoch, by its magnitude."""
    try:
        size = max((abs(float(text)) for text in texts), default=0.0)
    except ValueError:
        return "iso"
    return next(
        unit for unit, limit in (("s", 1e11), ("ms", 1e14), ("us", 1e17), ("ns", float("inf"))) if size < limit
    )
