"""Additional data of one piece of work (a request, a task): gathered on the way, merged into its point.

::

    with collecting() as data:
        data.tags["camera"] = "west"
        with timed("match_time"):
            match()
        monitor.emit(data.point(SubtaskExecution, task_id=7, subtask_id=1, task_type=4))

The container travels by a context variable: functions called on the way, tasks they start and threads of
``asyncio.to_thread`` find it without its being passed to them. Outside of any :func:`collecting`, the functions
here measure nothing and cost next to nothing.
"""

import functools
import inspect
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, Token
from types import TracebackType
from typing import Any, ParamSpec, TypeAlias, TypeVar, cast

import msgspec

from tsmon.points import Point

__all__ = [
    "WorkData",
    "begin_work",
    "collecting",
    "count_exceptions",
    "current_work",
    "end_work",
    "reset_work",
    "timed",
]

P = ParamSpec("P")
R = TypeVar("R")
PointT = TypeVar("PointT", bound=Point)
Gathered: TypeAlias = dict[str, str | int | float | bool | None]

_current: ContextVar["WorkData | None"] = ContextVar("tsmon_work", default=None)


class WorkData:
    """Tags and fields of one piece of work; plain dictionaries, yours to fill."""

    __slots__ = ("_fields", "_tags", "outer")

    _fields: Gathered | None
    _tags: Gathered | None
    outer: "WorkData | None"
    """What the work inside of :func:`collecting` is a part of."""

    def __init__(self) -> None:
        self._tags = self._fields = self.outer = None

    @property
    def tags(self) -> Gathered:
        """Tags of the work."""
        if self._tags is None:
            self._tags = {}
        return self._tags

    @property
    def fields(self) -> Gathered:
        """Fields of the work."""
        if self._fields is None:
            self._fields = {}
        return self._fields

    def add(self, field: str, amount: float) -> None:
        """Add to a number under ``field``, which starts at nothing."""
        present = self.fields.get(field)
        self.fields[field] = amount if present is None else cast("float", present) + amount

    def point(self, cls: type[PointT], **values: Any) -> PointT:
        """Point of ``cls`` from ``values`` and what was gathered; see :meth:`merged`."""
        own, tags, fields = self._sorted(cls, values)
        tags = {**(tags or {}), **(values.pop("tags", None) or {})}
        fields = {**(fields or {}), **(values.pop("fields", None) or {})}
        return cls(**{**own, **values}, tags=tags or None, fields=fields or None)

    def merged(self, point: PointT) -> PointT:
        """``point`` with what was gathered.

        A key that its class declares fills that attribute, where the point left it out; any other becomes an
        additional tag or field. What the point itself says wins.
        """
        if not self._tags and not self._fields:
            return point
        present = {
            c.attribute: value for c in _columns(point) if (value := getattr(point, c.attribute)) is not None
        }
        own, tags, fields = self._sorted(type(point), present)
        return msgspec.structs.replace(
            point,
            **own,
            tags={**tags, **(point.tags or {})} or None,
            fields={**fields, **(point.fields or {})} or None,
        )

    def _sorted(
        self, cls: type[Point], taken: dict[str, Any]
    ) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """What was gathered, as attributes of ``cls`` that are not taken, additional tags, additional fields."""
        by_key = {column.key: column for column in cls.__declaration__.columns}
        own = {
            by_key[key].attribute: value
            for gathered in (self.tags, self.fields)
            for key, value in gathered.items()
            if key in by_key and by_key[key].attribute not in taken
        }
        tags = {key: value for key, value in self.tags.items() if key not in by_key}
        fields = {key: value for key, value in self.fields.items() if key not in by_key}
        return own, tags, fields


@contextmanager
def collecting(data: WorkData | None = None) -> Iterator[WorkData]:
    """A container for the work inside; nested work has its own."""
    data = data or WorkData()
    data.outer = _current.get()
    token = _current.set(data)
    try:
        yield data
    finally:
        _current.reset(token)


begin_work: Callable[[WorkData | None], "Token[WorkData | None]"] = _current.set
"""Makes a container that of the work that follows, until :func:`end_work`; :func:`collecting` in two halves."""

reset_work: Callable[["Token[WorkData | None]"], None] = _current.reset
"""Ends what :func:`begin_work` began; ValueError where that was in another context."""


def end_work(token: "Token[WorkData | None]") -> None:
    """End what :func:`begin_work` began; where that was in another context, there is none after it."""
    try:
        _current.reset(token)
    except ValueError:
        _current.set(None)


def current_work() -> WorkData | None:
    """The container of the work that is being done, None outside of any."""
    return _current.get()


class timed:  # noqa: N801
    """Adds the elapsed seconds to a field of the current work: a context manager, sync or async, and a decorator.

    Times under one field add up; they are taken where the work fails too.
    """

    __slots__ = ("_data", "_field", "_started")

    def __init__(self, field: str, data: WorkData | None = None) -> None:
        self._field = field
        self._data = data
        self._started = 0.0

    def __enter__(self) -> None:
        """Start the clock."""
        self._started = time.perf_counter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        elapsed_s = time.perf_counter() - self._started
        data = self._data or _current.get()
        if data is not None:
            data.add(self._field, elapsed_s)

    async def __aenter__(self) -> None:
        """Start the clock."""
        self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the clock."""
        self.__exit__(kind, error, trace)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Time every call of a function or coroutine function."""
        field, data = self._field, self._data
        return _wrap(function, lambda: timed(field, data))


class count_exceptions:  # noqa: N801
    """Adds 1 to a field of the current work for each exception that passes; context manager and decorator.

    ``of`` are the exceptions that count; cancellation and exits never do, unless named.
    """

    __slots__ = ("_data", "_field", "_of")

    def __init__(
        self,
        field: str,
        of: type[BaseException] | tuple[type[BaseException], ...] = Exception,
        data: WorkData | None = None,
    ) -> None:
        self._field = field
        self._of = of
        self._data = data

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Count."""
        data = self._data or _current.get()
        if data is not None and isinstance(error, self._of):
            data.add(self._field, 1)

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Count the exceptions of every call of a function or coroutine function."""
        field, of, data = self._field, self._of, self._data
        return _wrap(function, lambda: count_exceptions(field, of, data))


def _wrap(function: Callable[P, R], context: Callable[[], Any]) -> Callable[P, R]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def awaiting(*args: P.args, **kwargs: P.kwargs) -> Any:
            with context():
                return await cast("Callable[P, Awaitable[Any]]", function)(*args, **kwargs)

        return cast("Callable[P, R]", awaiting)

    @functools.wraps(function)
    def calling(*args: P.args, **kwargs: P.kwargs) -> R:
        with context():
            return function(*args, **kwargs)

    return calling


def _columns(point: Point) -> Any:
    return type(point).__declaration__.columns
