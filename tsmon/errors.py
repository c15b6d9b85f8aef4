"""Every exception that tsmon raises, from one root."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

__all__ = [
    "AccessError",
    "AvailabilityError",
    "BackupError",
    "BatchTooLargeError",
    "DeclarationError",
    "FlushTimeoutError",
    "ImportingError",
    "InvalidPointError",
    "InvalidRowsError",
    "LineProtocolError",
    "SelectorError",
    "SettingsError",
    "StateConflictError",
    "StateError",
    "StateUnavailableError",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "TsmonError",
    "TypeConflict",
    "UnknownNameError",
]


class TsmonError(Exception):
    """Root of tsmon's exceptions; its text is one sentence meant for a person."""


class DeclarationError(TsmonError, TypeError):
    """A point class declares something that line protocol cannot carry, or a decorator cannot do what it says.

    Raised where the class is defined or the function is decorated.
    """


class InvalidPointError(TsmonError, ValueError):
    """A point holds a value or name that cannot be stored; raised where the point is emitted or encoded."""


class LineProtocolError(TsmonError, ValueError):
    """A line is not valid line protocol."""

    def __init__(self, reason: str, *, line: int = 1) -> None:
        super().__init__(f"line {line}: {reason}")
        self.reason = reason
        self.line = line


class SettingsError(TsmonError, ValueError):
    """A setting is unknown or wrong; the text names its place and the remedy."""


class AvailabilityError(TsmonError, ValueError):
    """Times, bins, deployments or rules of availability are wrong; the text names what and the remedy."""


class SelectorError(TsmonError, ValueError):
    """A text does not select a field of a measurement, as ``measurement,tag=value field`` does."""


class BackupError(TsmonError):
    """A backup cannot be made, or a directory is no intact backup; what was stored before is unchanged."""


class ImportingError(TsmonError, ValueError):
    """A file cannot be imported, or not with the given options."""


class InvalidRowsError(TsmonError, ValueError):
    """Rows of a table are wrong, and none was applied.

    ``source`` names the table, ``mistakes`` are the number of the line (from 1) and the reason of each.
    """

    def __init__(self, source: str, mistakes: Sequence[tuple[int, str]]) -> None:
        lines = [f"{source}:{line}: {reason}" for line, reason in mistakes]
        if len(lines) > 1:
            lines.append(f"{len(lines)} mistakes in {source}; nothing was applied")
        else:
            lines = [f"{line}; nothing was applied" for line in lines]
        super().__init__("\n".join(lines))
        self.source = source
        self.mistakes = mistakes


class StateError(TsmonError):
    """What people edit (streams, deployments, tokens) could not be read or changed; nothing was changed."""


class StateConflictError(StateError):
    """The change conflicts with what is stored."""


class UnknownNameError(StateError, LookupError):
    """There is no stream, instrument, deployment or token of that name."""


class AccessError(TsmonError, ValueError):
    """A token cannot have the requested name, roles or expiry."""


class StateUnavailableError(StateError):
    """The state's database cannot be reached now; the same request may succeed later."""


class NoPlaceError(SettingsError):
    """A default of the settings has no place on this system: there is no home directory, or none to write to."""


class StoreError(TsmonError):
    """A store could not carry out a request."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or said to come back later: the same request may succeed then.

    ``retry_after_s`` is the number of seconds that the store itself asked for, else None.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TypeConflict(NamedTuple):
    """A field that was first written with another type; ``type`` is the Python type of the refused values."""

    measurement: str
    field: str
    type: type[object]


class StoreRefusedError(StoreError):
    """The store refuses the data themselves: sending the same again cannot succeed.

    ``status`` is the HTTP status, if there was one. ``lines`` is the number of lines that were not stored, if the
    store reported it, else None: then the whole batch was refused. ``conflict`` is the field whose type was the
    reason, if the store named one. ``line_reasons`` are the reasons by line (the first is 0), if the store named
    lines: with ``lines`` they are all that were not stored, else only the first of those at fault.
    """

    def __init__(
        self,
        message: str,
        *,
        status: int | None = None,
        lines: int | None = None,
        conflict: TypeConflict | None = None,
        line_reasons: Mapping[int, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.lines = lines
        self.conflict = conflict
        self.line_reasons: Mapping[int, str] = line_reasons or {}


class BatchTooLargeError(StoreError):
    """The store takes no request of this size; smaller ones may pass."""


class FlushTimeoutError(TsmonError, TimeoutError):
    """The store did not acknowledge in time; the points stay pending."""
