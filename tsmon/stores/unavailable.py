"""The store of a process that cannot read its settings."""

from tsmon.errors import StoreUnavailableError
from tsmon.stores.memory import MemoryStore

__all__ = ["UnavailableStore"]


class UnavailableStore(MemoryStore):
    """Cannot be opened, for ``reason``."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self._reason = reason

    def __repr__(self) -> str:
        return f"UnavailableStore({self._reason!r})"

    def __str__(self) -> str:
        return f"no store, because {self._reason}"

    async def open(self) -> None:
        """Raise :class:`StoreUnavailableError`."""
        raise StoreUnavailableError(self._reason)

    async def check(self) -> None:
        """Raise :class:`StoreUnavailableError`."""
        raise StoreUnavailableError(self._reason)
