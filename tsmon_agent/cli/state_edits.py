"""The state for commands that edit it, while the agent runs too."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tsmon.cli.terminal import say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tsmon_agent.settings import Settings
    from tsmon_agent.state import Database
    from tsmon_agent.streams.inventory import LoadResult

__all__ = ["configured_database", "edit", "load_table", "open_database"]

T = TypeVar("T")


def configured_database(settings: "Settings") -> "Database":
    """The database that the settings name, not opened."""
    from tsmon_agent.state import Database
    from tsmon_agent.state.location import state_url

    return Database(state_url(settings))


@contextmanager
def open_database(settings: Path | None) -> Iterator["tuple[Settings, Database]"]:
    """The settings in a file (see :func:`tsmon.settings.load_settings`), and the database that they name, open."""
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    with configured_database(loaded) as database:
        yield loaded, database


def edit(
    database: "Database",
    action: str,
    target: str | None,
    work: "Callable[[Session], T]",
    *,
    detail: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> T:
    """What ``work`` returns; that it was done, and by whom, are in the audit."""
    from tsmon_agent.auth import current_user, record_audit

    def both(session: "Session") -> T:
        result = work(session)
        record_audit(session, current_user(), action, target, detail=detail)
        return result

    return database.run(both, dry_run=dry_run)


def load_table(
    database: "Database",
    what: str,
    file: Path,
    rows: Sequence[T],
    load: "Callable[[Session, Sequence[T]], LoadResult]",
    *,
    dry_run: bool,
) -> None:
    """Load rows of a file, and say what has changed, or, for a dry run, would have."""
    changes = edit(
        database,
        f"load {what}",
        None,
        lambda session: load(session, rows),
        detail={"file": str(file), "rows": len(rows)},
        dry_run=dry_run,
    )
    say(f"{file}: {changes}" + (" (nothing was stored)" if dry_run else ""))
