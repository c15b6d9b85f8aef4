"""The meaning of each column of a plain table, and how it is written, as far as that is given."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from tsmon.errors import ImportingError
from tsmon.logs.error_texts import describe_error
from tsmon_agent.ingest.files.local_times import find_zone
from tsmon_agent.tables.numbers import DECIMALS, THOUSANDS

__all__ = ["FIELD_TYPES", "ColumnMapping", "load_mapping", "override_mapping"]

FIELD_TYPES: Final = ("float", "int", "uint", "bool", "str")
KEYS: Final = {
    "time": str,
    "time_of_day": str,
    "time_format": str,
    "timezone": str,
    "measurement": str,
    "measurement_column": str,
    "tags": list,
    "fields": dict,
    "missing": list,
    "delimiter": str,
    "decimal": str,
    "thousands": str,
    "comment": str,
    "header_line": int,
    "unit_rows": int,
}
_KINDS: Final = {str: "a text", list: "a list", int: "a number"}
_NAMED_DELIMITERS: Final = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "space": " ", "pipe": "|"}


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnMapping:
    """Columns by name; ``fields`` with their types.

    ``time_format`` is ``iso``, an order of dates (dmy, mdy or ymd), one of s, ms, us and ns since the epoch, or a
    format of ``datetime.strptime``. Times without a zone are in ``timezone``. With ``time_of_day``, ``time`` holds
    the dates. A cell that is one of ``missing`` has no value, in any column. What is None is recognised.
    """

    time: str | None = None
    time_of_day: str | None = None
    time_format: str | None = None
    timezone: str = "UTC"
    measurement: str | None = None
    measurement_column: str | None = None
    tags: Sequence[str] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    missing: Sequence[str] = ()
    delimiter: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    comment: str = "#"
    header_line: int | None = None
    unit_rows: int | None = None

    def __post_init__(self) -> None:
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", _NAMED_DELIMITERS.get(self.delimiter, self.delimiter))
            if len(self.delimiter or "") != 1 or self.delimiter in '"\r\n':
                raise ImportingError(
                    f"--delimiter {self.delimiter!r}: give one character, or tab, space or semicolon"
                )
        if self.decimal is not None and self.decimal not in DECIMALS:
            raise ImportingError(f"--decimal {self.decimal!r}: give a point or a comma")
        if self.thousands is not None:
            named = {"none": "", "space": " "}.get(self.thousands, self.thousands)
            object.__setattr__(self, "thousands", named)
            if named and named not in THOUSANDS:
                raise ImportingError(f"--thousands {named!r}: give one of . , ' space and none")
            if named and named == self.decimal:
                raise ImportingError(f"{named!r} cannot be both the decimal sign and the separator of thousands")

    def __str__(self) -> str:
        fields = ", ".join(f"{name} ({kind})" for name, kind in self.fields.items())
        measurement = self.measurement or f"column {self.measurement_column}"
        time = self.time if self.time_of_day is None else f"{self.time} and {self.time_of_day}"
        return (
            f"time: {time} ({self.time_format}, {self.timezone}); measurement: {measurement}; "
            f"tags: {', '.join(self.tags) or 'none'}; fields: {fields}"
        )


def load_mapping(path: Path) -> ColumnMapping:
    """Read a mapping from a TOML file whose keys are the names of the options; raises ImportingError."""
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except tomllib.TOMLDecodeError as error:
        raise ImportingError(f"the mapping {path} is not valid TOML: {error}; correct it") from None
    except (OSError, UnicodeDecodeError) as error:
        reason = describe_error(error, names_file=False)
        raise ImportingError(f"the mapping {path} cannot be read: {reason}; name a file of TOML in UTF-8") from None
    for key in values:
        if key not in KEYS:
            raise ImportingError(f"{path}: {key} is not a key of a mapping; choose from {', '.join(KEYS)}")
    return _parse_mapping(str(path), values)


def override_mapping(base: ColumnMapping, *, fields: Sequence[str], **given: Any) -> ColumnMapping:
    """``base`` with the values of the options; a field is ``column`` or ``column:type``."""
    changes = {key: value for key, value in given.items() if value not in (None, [], "")}
    if fields:
        changes["fields"] = dict(_parse_field("--field", one) for one in fields)
    return replace(base, **changes)


def _parse_mapping(source: str, values: dict[str, Any]) -> ColumnMapping:
    fields = values.pop("fields", {})
    if isinstance(fields, list):
        fields = dict(_parse_field(f"{source}: fields", str(one)) for one in fields)
    for name, kind in fields.items():
        _parse_field(f"{source}: fields", f"{name}:{kind}")
    for key, value in values.items():
        expected = KEYS[key]
        if not isinstance(value, expected) or isinstance(value, bool):
            raise ImportingError(f"{source}: {key} is {value!r}; give {_KINDS[expected]}")
    try:
        mapping = ColumnMapping(fields=fields, **values)
    except ImportingError as error:
        raise ImportingError(f"{source}: {str(error).removeprefix('--')}") from None
    find_zone(mapping.timezone)
    return mapping


def _parse_field(source: str, text: str) -> tuple[str, str]:
    name, separator, kind = text.rpartition(":")
    if not separator or not kind.isidentifier():
        # A colon within the name, as in "Temp (S/N: 10343)".
        return text, "float"
    if kind not in FIELD_TYPES:
        raise ImportingError(f"{source} {text}: {kind} is not a type; choose from {', '.join(FIELD_TYPES)}")
    return name, kind
