"""Additional data of one piece of work (a request, a task): collected while it runs, merged into its point.

::

    with measure_work() as work:
        work.tags["camera"] = "west"
        with timed("match_time"):
            match()
        monitor.emit(work.make_point(SubtaskExecution, task_id=7, subtask_id=1, task_type=4))

A context variable carries the data: functions called by the work, tasks that they start and threads of
``asyncio.to_thread`` find it without an argument; :func:`~tsmon.work.carry_work` takes it into other threads. Any
number of threads may add to it. Outside any :func:`measure_work`, the functions of this package measure nothing and
cost next to nothing.

Another process has no part in it. There, measure the work, return the data, and :meth:`~WorkData.include` them::

    def match_part(part):
        with measure_work() as data:
            match(part)
        return data

    for data in processes.map(match_part, parts):
        work.include(data)
"""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from typing import Any, TypeAlias, TypeVar, cast

import msgspec

from tsmon.points import Point

__all__ = ["WorkData", "begin_work", "current_work", "end_work", "measure_work", "reset_work"]

PointT = TypeVar("PointT", bound=Point)
Values: TypeAlias = dict[str, str | int | float | bool | None]

_filling = threading.RLock()
"""Held while a number is added; one for all work, since it is held for a fraction of a microsecond."""

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
            self._begin_to_fill()
        return cast("Values", self._tags)

    @property
    def fields(self) -> Values:
        """Fields of the work."""
        if self._fields is None:
            self._begin_to_fill()
        return cast("Values", self._fields)

    def _begin_to_fill(self) -> None:
        with _filling:
            self._tags = {} if self._tags is None else self._tags
            self._fields = {} if self._fields is None else self._fields

    def add(self, field: str, amount: float) -> None:
        """Add to the number under ``field``, which starts at zero; from any thread."""
        with _filling:
            fields = self.fields
            present = fields.get(field)
            if present is not None and not isinstance(present, int | float):
                # The program has set another value of that name; a measurement must not fail for it.
                field = f"{field}_{type(amount).__name__}"
                present = fields.get(field)
            fields[field] = amount + present if isinstance(present, int | float) else amount

    def include(self, other: "WorkData") -> None:
        """Take over the data of a part of the work, such as another process returns: numbers are added up."""
        self.tags.update(other.tags)
        for field, value in list(other.fields.items()):
            if isinstance(value, bool) or not isinstance(value, int | float):
                self.fields[field] = value
            else:
                self.add(field, value)

    def __getstate__(self) -> tuple[Values, Values]:
        return dict(self.tags), dict(self.fields)

    def __setstate__(self, state: tuple[Values, Values]) -> None:
        self.outer = None
        self._tags, self._fields = state

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
            if name not in defaults or not _is_equal(value, defaults[name])
        }
        return msgspec.structs.replace(point, **self._complete(cls, given))

    def _complete(self, cls: type[Point], values: dict[str, Any]) -> dict[str, Any]:
        """Return ``values`` of a point of ``cls``, completed by this data."""
        attributes = {column.key: column.attribute for column in cls.__declaration__.columns}
        # Copies, because other threads may add something meanwhile.
        tags, fields = dict(self._tags or {}), dict(self._fields or {})
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


def _is_equal(value: Any, default: Any) -> bool:
    try:
        return bool(value == default)
    except (TypeError, ValueError):  # pandas.NA, an array
        return False


def _after_fork() -> None:
    # Another thread of the parent can have held it.
    global _filling  # noqa: PLW0603
    _filling = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
