"""Points to lines: one fast generated function per class, and the careful encoder behind it.

An :class:`Encoding` is the context of a Monitor (or of :func:`encode`): its service, its default tags, the
tags to be written as fields, its clock. Both ways give the same line; the careful one also handles additional
fields and unusual values, and says why a point cannot be stored.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from tsmon.clock import UniqueClock
from tsmon.errors import InvalidPointError
from tsmon.line_protocol.checked_encoder import Careful, Encodable
from tsmon.line_protocol.escaping import check_tag_key, check_tag_value
from tsmon.line_protocol.fast_encoder import generate
from tsmon.line_protocol.values import tag_text

__all__ = ["Encodable", "Encoding"]


class Encoding:
    """Everything besides the point itself that decides how its line reads.

    ``service`` is the value of the service tag for points that do not name one, ``tags`` are added to every
    point (its own win), ``tags_as_fields`` are keys of declared tags to be written as fields instead.
    """

    def __init__(
        self,
        service: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        tags_as_fields: Collection[str] = (),
        clock: UniqueClock | None = None,
        saw_series: Callable[[str, str, Mapping[str, str]], None] | None = None,
    ) -> None:
        self.saw_series = saw_series
        """Told the measurement, the text and the tags of lines whose text was not in the cache."""
        self._service = service
        self.default_tags = {key: tag_text(f"default tag {key!r}", value) for key, value in (tags or {}).items()}
        for key, value in self.default_tags.items():
            check_tag_key(key)
            check_tag_value(key, value)
        self._demoted = frozenset(tags_as_fields)
        self.clock = clock or UniqueClock()
        self._careful: dict[type[Encodable], Careful] = {}
        self.functions: dict[type[Encodable], Callable[[Any], str]] = {}
        self.nonfinite = 0
        """Number of fields left out so far because they were NaN or infinite."""

    @property
    def service(self) -> str | None:
        """Service tag of points that do not name one."""
        return self._service

    @service.setter
    def service(self, service: str | None) -> None:
        self._service = service
        for careful in list(self._careful.values()):
            careful.forget_heads()

    def encode(self, point: Encodable) -> str:
        """Line of ``point``, without a newline; raises :class:`~tsmon.errors.InvalidPointError`."""
        return (self.functions.get(type(point)) or self.function_for(type(point)))(point)

    def function_for(self, cls: type[Encodable]) -> Callable[[Any], str]:
        """Encoder of one point class in this context, made at its first use."""
        declaration = getattr(cls, "__declaration__", None)
        if declaration is None:
            raise InvalidPointError(
                f"{cls.__name__} is not a point class with a measurement; "
                "derive it as class X(Point, measurement='x')"
            )
        demoted = declaration.demoted(self._demoted)
        careful = self._careful[cls] = Careful(demoted, self)
        factory = cls.__factory__ if demoted is declaration else generate(demoted)
        self.functions[cls] = factory(careful, self.clock) if factory is not None else careful.encode
        return self.functions[cls]

    def careful(self, point: Encodable) -> str:
        """Line of any point, by the plain road: every name and value is checked."""
        if type(point) not in self._careful:
            self.function_for(type(point))
        return self._careful[type(point)].encode(point)
