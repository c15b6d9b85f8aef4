"""Every exception that tsmon raises, from one root."""

__all__ = [
    "AvailabilityError",
    "BatchTooLargeError",
    "DeclarationError",
    "FlushTimeoutError",
    "InvalidPointError",
    "LineProtocolError",
    "SettingsError",
    "StateError",
    "StateUnavailableError",
    "StoreError",
    "StoreRefusedError",
    "StoreUnavailableError",
    "TsmonError",
]


class TsmonError(Exception):
    """Root of tsmon's exceptions; its text is one sentence meant for a person."""


class DeclarationError(TsmonError, TypeError):
    """A point class declares something that line protocol cannot carry; raised where the class is made."""


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
    """Times, bins, deployments or rules of availability are wrong; the text names the one and the remedy."""


class StateError(TsmonError):
    """What people edit (streams, deployments, tokens) could not be read or changed; nothing was changed."""


class StateUnavailableError(StateError):
    """The state's database cannot be reached just now; the same may succeed later."""


class StoreError(TsmonError):
    """A store could not do what was asked."""


class StoreUnavailableError(StoreError):
    """The store cannot be reached, or said to come back later: the same request may succeed then.

    ``retry_after_s`` is the number of seconds that the store itself asked for, else None.
    """

    def __init__(self, message: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreRefusedError(StoreError):
    """The store refuses the data themselves: sending the same again cannot succeed.

    ``status`` is the HTTP status where there was one, ``lines`` the number of lines that were not stored
    where the store said so, else None (then the whole batch was refused).
    """

    def __init__(self, message: str, *, status: int | None = None, lines: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.lines = lines


class BatchTooLargeError(StoreError):
    """The store takes no request of this size; smaller ones may pass."""


class FlushTimeoutError(TsmonError, TimeoutError):
    """The store did not acknowledge in time; the points stay pending."""
