"""Completes the mapping of a plain table by its names and its first rows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tsmon.errors import ImportingError
from tsmon_agent.ingest.files.column_mapping import ColumnMapping
from tsmon_agent.ingest.files.column_names import INDEX_NAMES, name_columns
from tsmon_agent.ingest.files.local_times import LocalTime, find_zone
from tsmon_agent.ingest.files.table_doubts import (
    check_epoch,
    check_points,
    count_replaced,
    find_zone_name,
    refuse_dates,
)
from tsmon_agent.ingest.files.table_layout import Record, TableLayout
from tsmon_agent.ingest.files.time_cells import parse_time_cell
from tsmon_agent.ingest.files.time_columns import FEW, TimeColumns, find_time
from tsmon_agent.tables.numbers import NumberForm, find_number_form, is_missing, looks_like_number
from tsmon_agent.tables.times import TIME_UNITS, find_time_form, has_date

__all__ = ["TableMapping", "guess_mapping"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableMapping:
    """A complete mapping, the layout of the table, and how its numbers are written."""

    mapping: ColumnMapping
    layout: TableLayout
    numbers: NumberForm
    left_out: Sequence[str] = ()
    replaced: int = 0
    """Rows of the beginning that have the time and tags of an earlier one, with other values."""

    def __str__(self) -> str:
        notes = [str(self.mapping), *self.layout.describe()]
        if self.numbers != NumberForm():
            notes.append(f"numbers as {self.numbers}")
        if self.left_out:
            notes.append(f"left out: {', '.join(self.left_out)}")
        if self.replaced:
            notes.append(
                f"{self.replaced:,} of the first rows replace values of earlier ones with the same time and tags"
            )
        return "; ".join(notes)


def guess_mapping(mapping: ColumnMapping, layout: TableLayout, rows: Sequence[Record]) -> TableMapping:
    """Complete a mapping from the rows below the header; raises ImportingError if that is impossible."""
    names = name_columns(layout.names, [row.cells for row in rows])
    values = {name: _collect(rows, index) for index, name in reversed(list(enumerate(names))) if name}
    values = {name: values[name] for name in dict.fromkeys(names) if name}
    for column in (mapping.time, mapping.time_of_day, mapping.measurement_column, *mapping.tags, *mapping.fields):
        if column is not None and column not in values:
            raise ImportingError(f"there is no column {column}; there are {', '.join(values)}")
    times = find_time(mapping, values)
    if mapping.measurement is None and mapping.measurement_column is None:
        raise ImportingError("a plain table does not say what it measures; name it by --measurement")
    used = [one for one in (times.time, times.clock, mapping.measurement_column, *mapping.tags) if one]
    cells = {name: [text for text in texts if text not in mapping.missing] for name, texts in values.items()}
    others = [name for name in values if name not in used and name not in times.repeated]
    tags, fields = _guess_types(mapping, {name: cells[name] for name in others})
    if not mapping.fields and not any(cells[name] for name in fields):
        raise ImportingError("no column holds numbers; name the fields by --field COLUMN:TYPE")
    for name in (*used, *tags, *fields):
        if names.count(name) > 1:
            raise ImportingError(f"the header has the column {name} {names.count(name)} times; rename all but one")
    numbers = find_number_form(
        (
            text
            for name, kind in fields.items()
            if kind == "float"
            for text in cells[name]
            if looks_like_number(text)
        ),
        mapping.decimal,
        mapping.thousands,
    )
    if numbers == NumberForm() and layout.delimiter != "," and mapping.decimal is mapping.thousands is None:
        check_points({name: cells[name] for name, kind in fields.items() if kind == "float"})
    form = _find_time_form(mapping, times, rows, names)
    if form in TIME_UNITS:
        at = names.index(times.time)
        check_epoch(times.time, [times.time, *(row[at] for row in layout.units if at < len(row))])
    zone = _find_zone(mapping, times, values[times.time], form)
    keys = [names.index(one) for one in (times.time, times.clock, mapping.measurement_column, *tags) if one]
    replaced = _count_replaced(rows, keys, [names.index(one) for one in fields])
    if replaced and times.clock is None and all(has_date(text, only=True) for text in values[times.time]):
        raise refuse_dates(times.time)
    if find_zone(zone).utcoffset(None) is None:
        # A time may occur twice.
        replaced = 0
    index = ["the index"] if layout.names[0] in INDEX_NAMES and not names[0] and _collect(rows, 0) else []
    return TableMapping(
        mapping=replace(
            mapping,
            time=times.time,
            time_of_day=times.clock,
            time_format=form,
            timezone=zone,
            tags=tuple(tags),
            fields=fields,
        ),
        layout=replace(layout, names=tuple(names)),
        numbers=numbers,
        left_out=(*index, *(f"{name} (the time again)" for name in times.repeated)),
        replaced=replaced,
    )


def _find_time_form(mapping: ColumnMapping, times: TimeColumns, rows: Sequence[Record], names: list[str]) -> str:
    """The form of the times; raises ImportingError if most of them are none."""
    texts = [text for text in _collect(rows, names.index(times.time)) if not is_missing(text)]
    form = mapping.time_format or find_time_form(texts)
    if mapping.time_format is None and texts:
        wrong = [text for text in texts if not _is_time(text, form)]
        if 2 * len(wrong) > len(texts):
            shown = wrong[0] if len(wrong[0]) <= 40 else f"{wrong[0][:40]}…"
            raise ImportingError(
                f"the column {times.time} holds {shown!r}, which is no time that is recognised; "
                "name another column by --time, or the form by --time-format"
            )
    return form


def _find_zone(mapping: ColumnMapping, times: TimeColumns, texts: Sequence[str], form: str) -> str:
    """The zone of times that have none; if all have one, what names of columns say does not matter."""
    if times.clock is None and not any(_is_local(text, form) for text in texts):
        return mapping.timezone
    return find_zone_name([one for one in (times.time, times.clock) if one], mapping.timezone)


def _is_local(text: str, form: str) -> bool:
    try:
        return isinstance(parse_time_cell("", text, form), LocalTime)
    except ValueError:
        return False


def _count_replaced(rows: Sequence[Record], keys: Sequence[int], fields: Sequence[int]) -> int:
    width = max(*keys, *fields) + 1
    whole = [row.cells for row in rows if len(row.cells) >= width and row.cells[keys[0]]]
    return count_replaced(
        ([cells[index] for index in keys] for cells in whole),
        [[cells[index] for index in fields] for cells in whole],
    )


def _is_time(text: str, form: str) -> bool:
    try:
        parse_time_cell("", text, form)
    except ValueError:
        return False
    return True


def _collect(rows: Sequence[Record], index: int) -> list[str]:
    return [row.cells[index] for row in rows if index < len(row.cells) and row.cells[index]]


def _guess_types(mapping: ColumnMapping, cells: dict[str, list[str]]) -> tuple[list[str], dict[str, str]]:
    """The tags and fields; a column that is empty so far may hold numbers later."""
    tags, fields = list(mapping.tags), dict(mapping.fields)
    if fields:
        return tags, fields
    for name, texts in cells.items():
        kind = _guess_type([text for text in texts if not is_missing(text)])
        if kind == "str" and not mapping.tags:
            tags.append(name)
        else:
            fields[name] = kind
    return tags, fields


def _guess_type(texts: Sequence[str]) -> str:
    if texts and all(text.lower() in ("true", "false") for text in texts):
        return "bool"
    wrong = sum(not looks_like_number(text) for text in texts)
    return "float" if wrong <= FEW * len(texts) else "str"
