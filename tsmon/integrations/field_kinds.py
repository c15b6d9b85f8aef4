"""The first type of each undeclared field: the server refuses a point whose field has another one.

A later value of another type is converted where that loses nothing (17 for a float, anything for a text). Where it
would, the value goes to a field of its own, whose name ends with its type: ``order_str`` beside ``order``.
"""

import weakref
from collections.abc import Collection
from typing import Final

from tsmon.clock import UniqueClock
from tsmon.integrations.fitting import Plain, convert, fit_key, fit_value

__all__ = ["FieldKinds", "field_kinds_of"]

MAX_KINDS: Final = 10_000
"""Names that are remembered; names of later fields keep the type of each value."""

TRIES: Final = 3


class FieldKinds:
    """The first type of each field, and values of those types."""

    def __init__(self) -> None:
        self._kinds: dict[str, type] = {}
        self._declared: dict[str, type] = {}

    def declare(self, key: object, kind: type) -> None:
        """Use this type for a field, whatever its first value is."""
        key = fit_key(key)
        self._declared[key] = self._kinds[key] = kind

    def exchange(self, learnt: dict[str, type] | None = None) -> dict[str, type]:
        """Know ``learnt``, by default nothing, and what was declared; return what was known.

        For a test, whose values decide nothing for those afterwards.
        """
        before, self._kinds = self._kinds, {**(learnt or {}), **self._declared}
        return before

    def add(self, fields: dict[str, Plain], key: object, value: object, taken: Collection[str] = ()) -> bool:
        """Add a value to ``fields`` under ``key`` or, if that is ``taken`` or of another type, a similar name.

        False if the value was changed, stored under another name, or left out.
        """
        if value is None:
            return True
        name, fitted = fit_key(key), fit_value(value)
        if fitted is None:
            return False
        unchanged = fitted is value and name == key
        if name in taken:
            name, unchanged = f"{name}_field", False
        for _ in range(TRIES):
            kind = self._kind_of(name, type(fitted))
            converted = fitted if kind is type(fitted) else convert(fitted, kind)
            if converted is not None and name not in fields and name not in taken:
                fields[name] = converted
                return unchanged and converted is fitted
            name, unchanged = f"{name}_{type(fitted).__name__}", False
        return False

    def _kind_of(self, name: str, kind: type) -> type:
        kinds = self._kinds
        if len(kinds) >= MAX_KINDS:
            return kinds.get(name, kind)
        return kinds.setdefault(name, kind)


_of_monitors: "weakref.WeakKeyDictionary[UniqueClock, FieldKinds]" = weakref.WeakKeyDictionary()


def field_kinds_of(clock: UniqueClock) -> FieldKinds:
    """The types of the fields of the Monitor that has this clock, common to all of its integrations."""
    return _of_monitors.setdefault(clock, FieldKinds())
