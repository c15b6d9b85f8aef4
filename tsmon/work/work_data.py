"""Additional data of one piece of work (a request, a task): collected while it runs, merged into its point.

::

    with measure_work() as work:
        work.tags["camera"] = "west"
        with timed("match_time"):
            match()
        monitor.emit(work.make_point(SubtaskExecution, task_id=7, subtask_id=1, task_type=4))

A context variable carries the data: functions called by the work, tasks that they start and threads of
``asyncio.to_thread`` find it without an argument. Outside any :func:`measure_work`, the functions of this package
measure nothing and cost next to nothing.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from tsmon.points import Point

__all__ = ["WorkData", "begin_work", "current_work", "end_work", "measure_work", "reset_work"]

PointT = TypeVar("PointT", bound=Point)
Values: TypeAlias = dict[str, str | int | float | bool | None]

_current: ContextVar["WorkData | None"] = ContextVar("tsmon_work", default=None)


class WorkData:
    """Tags and fields of one piece of work, in plain dictionaries that anybody may fill.

    A key that a point's class declares fills that tag or field of the point; any other becomes an additional tag or
    field. Values that the point was given itself win over both.
    """

    __slots__ = ("_fields", "_tags", "outer")

    _fields: Values | None
    _tags: Values | None
    outer: "WorkData | None"
    """The work that this work is a part of."""

    def __init__(self) -> None:
        self._tags = self._fields = self.outer = None

    @property
    def tags(self) -> Values:
        """Tags of the work."""
        if self._tags is None:
            self._tags = {}
        return self._tags

    @property
    def fields(self) -> Values:
        """Fields of the work."""
        if self._fields is None:
            self._fields = {}
        return self._fields

    def add(self, field: str, amount: float) -> None:
        """Add to the number under ``field``, which starts at zero."""
        present = self.fields.get(field)
        self.fields[field] = amount if present is None else cast("float", present) + amount

    def make_point(self, cls: type[PointT], **values: Any) -> PointT:
        """Make a point of ``cls`` from ``values`` and this data."""
        if not self._tags and not self._fields:
            return cls(**values)
        return cls(**self._complete(cls, values))

    def merge_into(self, point: PointT) -> PointT:
        """Return ``point`` with this data added.

        An attribute that has its default counts as not given.
        """
        if not self._tags and not self._fields:
            return point
        cls = type(point)
        # Defaults are those of the last attributes.
        defaults = dict(zip(reversed(cls.__struct_fields__), reversed(cls.__struct_defaults__), strict=False))
        given = {
            name: value
            for name, value in msgspec.structs.asdict(point).items()
            if name not in defaults or value != defaults[name]
        }
        return msgspec.structs.replace(point, **self._complete(cls, given))

    def _complete(self, cls: type[Point], values: dict[str, Any]) -> dict[str, Any]:
        """Return ``values`` of a point of ``cls``, completed by this data."""
        attributes = {column.key: column.attribute for column in cls.__declaration__.columns}
        tags, fields = self._tags or {}, self._fields or {}
        declared = {attributes[key]: value for key, value in (tags | fields).items() if key in attributes}
        additional_tags = {key: value for key, value in tags.items() if key not in attributes}
        additional_fields = {key: value for key, value in fields.items() if key not in attributes}
        return {
            **declared,
            **values,
            "tags": {**additional_tags, **(values.get("tags") or {})} or None,
            "fields": {**additional_fields, **(values.get("fields") or {})} or None,
        }


@contextmanager
def measure_work(data: WorkData | None = None) -> Iterator[WorkData]:
    """Collect the data of the work inside; nested work has data of its own."""
    data = data or WorkData()
    data.outer = _current.get()
    token = _current.set(data)
    try:
        yield data
    finally:
        _current.reset(token)


begin_work: Callable[[WorkData | None], "Token[WorkData | None]"] = _current.set
"""Makes the argument the current work until :func:`end_work`: the first half of :func:`measure_work`."""

reset_work: Callable[["Token[WorkData | None]"], None] = _current.reset
"""Ends what :func:`begin_work` began; raises ValueError if that was in another context."""


def end_work(token: "Token[WorkData | None]") -> None:
    """End what :func:`begin_work` began; if that was in another context, no work is current afterwards."""
    try:
        _current.reset(token)
    except ValueError:
        _current.set(None)


def current_work() -> WorkData | None:
    """Return the data of the current work; None outside any."""
    return _current.get()
