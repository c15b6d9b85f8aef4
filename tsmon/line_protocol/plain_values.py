"""Values of other libraries as their plain Python twins: NumPy's scalars, pandas' missing values, enums.

Types are recognized by their names, so neither NumPy nor pandas is imported.
"""

import enum
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final, Literal, Protocol

__all__ = ["MISSING", "NumPyScalar", "to_plain"]


class NumPyScalar(Protocol):
    """A scalar of NumPy, such as ``float32`` or ``datetime64``, as type checkers see it; arrays are none."""

    @property
    def dtype(self) -> Any: ...  # noqa: D102
    @property
    def size(self) -> Literal[1]: ...  # noqa: D102


MISSING: Final = object()
"""What :func:`to_plain` returns for ``pandas.NA``, ``NaT`` and NumPy's ``masked``."""

_PLAIN: Final = frozenset({str, int, float, bool})


def to_plain(value: Any) -> Any:
    """Return the Python twin of a value; :data:`MISSING` if it stands for no value; else the value itself."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, enum.Enum):
        return to_plain(value.value)
    if isinstance(value, Decimal):
        return MISSING if value.is_nan() else value
    name, package = type(value).__name__, type(value).__module__.partition(".")[0]
    if package == "pandas" and name in ("NAType", "NaTType"):
        return MISSING
    if package == "numpy":
        return _from_numpy(value, name)
    return value


def _from_numpy(value: Any, name: str) -> Any:
    """Return the twin of a scalar or an array without dimensions; others and times stay as they are."""
    if name == "MaskedConstant":
        return MISSING
    if getattr(value, "shape", None) != () or not hasattr(value, "dtype"):
        return value
    if any(base.__name__ == "ndarray" for base in type(value).__mro__):
        # It may be masked, and may hold any object.
        element = value[()]
        return value if type(element) is type(value) else to_plain(element)
    if str(value) == "NaT":
        return MISSING
    if value.dtype.kind == "M":
        return value
    if value.dtype.kind == "m":
        # NumPy counts a duration among the integers; the number alone would mean nothing.
        try:
            return timedelta(microseconds=int(value.astype("timedelta64[us]").astype("int64")))
        except OverflowError:  # NumPy 2.5 raises it
            return timedelta.max
    twin = value.item()
    # A long double has no exact twin.
    return float(twin) if value.dtype.kind == "f" else twin
