"""Versions of the schema, found without alembic: those that this program knows, and the one that is stored."""

from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from tsmon.errors import StateError

__all__ = [
    "BASE",
    "MIGRATIONS",
    "VERSION_TABLE",
    "known_versions",
    "newest_version",
    "read_stored_version",
    "resolve_version",
]

MIGRATIONS: Final = Path(__file__).parent / "migrations"

VERSION_TABLE: Final = "tsmon_state_version"
"""Not alembic's default name: other programs that use alembic may share the PostgreSQL database."""

BASE: Final = "base"
"""The version before the first: no tables."""


def known_versions() -> tuple[str, ...]:
    """Versions that this program knows, the oldest first: the numbers that the names of their files begin with."""
    return tuple(sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def newest_version() -> str:
    """The version that this program uses."""
    return known_versions()[-1]


def read_stored_version(connection: Connection) -> str:
    """Read the version of the schema in a database; :data:`BASE` if it has none.

    Raises :class:`~tsmon.errors.StateError` if this program does not know the version.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return BASE
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    if version is None:
        return BASE
    if version not in known_versions():
        raise StateError(
            f"the state's schema has version {version}, and this program knows versions up to {newest_version()}; "
            "use the tsmon-agent that created it, or a later one"
        )
    return str(version)


def resolve_version(wanted: str, current: str) -> str:
    """Resolve the version that a person names: a number, ``head``, ``base``, or steps from ``current`` as ``-1``.

    Raises :class:`~tsmon.errors.StateError` if there is no such version.
    """
    every = (BASE, *known_versions())
    if wanted == "head":
        return every[-1]
    if wanted[:1] in ("+", "-") and wanted[1:].isdecimal():
        place = every.index(current) + int(wanted)
        if 0 <= place < len(every):
            return every[place]
    elif wanted.isdecimal() and wanted.zfill(4) in every:
        return wanted.zfill(4)
    elif wanted == BASE:
        return BASE
    which = f"{wanted}, counted from {current}," if wanted[:1] in ("+", "-") else wanted
    raise StateError(
        f"there is no version {which} of the schema; there are {', '.join(every)}, head, and steps such as -1"
    )
