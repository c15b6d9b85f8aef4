"""The state for commands that query or edit it, also while the agent runs."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from tsmon.cli.terminal import say

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from tsmon_agent.settings import Settings
    from tsmon_agent.state import Database
    from tsmon_agent.streams.inventory.table_files import TableFile

__all__ = ["configured_database", "edit", "load_table", "open_database", "query"]

T = TypeVar("T")


def configured_database(settings: "Settings") -> "Database":
    """The database that the settings name, not yet opened."""
    from tsmon_agent.state import Database
    from tsmon_agent.state.location import state_url

    return Database(state_url(settings))


@contextmanager
def open_database(settings: Path | None) -> Iterator["Database"]:
    """Open the database that a settings file names (see :func:`tsmon_agent.settings.load_settings`)."""
    from tsmon_agent.settings import load_settings

    with configured_database(load_settings(settings)) as database:
        yield database


def query(settings: Path | None, work: "Callable[[Session], T]") -> T:
    """Run a query on the state and return its result."""
    with open_database(settings) as database:
        return database.run(work)


def edit(
    database: "Database",
    action: str,
    target: str | None,
    work: "Callable[[Session], T]",
    *,
    detail: Mapping[str, Any] | None = None,
    dry_run: bool = False,
) -> T:
    """Run a change of the state, record it in the audit, and return the result."""
    from tsmon_agent.auth import current_user, record_audit

    def work_and_record(session: "Session") -> T:
        result = work(session)
        record_audit(session, current_user(), action, target, detail=detail)
        return result

    return database.run(work_and_record, dry_run=dry_run)


def load_table(settings: Path | None, what: str, read: "Callable[[Settings], TableFile]", *, dry_run: bool) -> None:
    """Load a table into the state, and print how many rows changed it, or, in a dry run, would have."""
    from tsmon_agent.settings import load_settings

    loaded = load_settings(settings)
    table = read(loaded)
    detail = {"file": str(table.file), "rows": table.rows}
    with configured_database(loaded) as database:
        result = edit(database, f"load {what}", None, table.load, detail=detail, dry_run=dry_run)
    say(f"{table.file}: {result}" + (" (nothing was stored)" if dry_run else ""))
