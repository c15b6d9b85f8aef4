"""Selection among the names that the kernel shows, by configured names and patterns."""

import logging
from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Final

__all__ = ["Selection"]

_log = logging.getLogger("tsmon_agent")

_CACHED_NAMES: Final = 4_096


class Selection:
    """Names that equal one of ``wanted`` or match it as a pattern (``eth*``).

    ``what`` describes the names in the log. A pattern without a match in the first round is logged once; it still
    matches names that appear later.
    """

    def __init__(self, what: str, wanted: Iterable[str]) -> None:
        self._what = what
        self._wanted = tuple(dict.fromkeys(wanted))
        self._unmatched = set(self._wanted)
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        known = self._known.get(name)
        return self._match(name) if known is None else known

    def log_unmatched(self) -> None:
        """After the first round: log patterns without a match."""
        for wanted in sorted(self._unmatched):
            _log.warning("there is no %s %r here; it is ignored until there is", self._what, wanted)
        self._unmatched.clear()

    def _match(self, name: str) -> bool:
        matching = [wanted for wanted in self._wanted if wanted == name or fnmatchcase(name, wanted)]
        self._unmatched.difference_update(matching)
        if len(self._known) >= _CACHED_NAMES:
            self._known.clear()
        self._known[name] = bool(matching)
        return bool(matching)
