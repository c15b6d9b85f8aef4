"""Versions of the schema, told without alembic: those that this program knows, and the one that is stored."""

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
"""A name of our own: other programs with alembic may use the same PostgreSQL database."""

BASE: Final = "base"
"""The version before the first: nothing is there."""


def known_versions() -> tuple[str, ...]:
    """Versions of this program, the oldest first; each is the number that its file's name begins with."""
    return tuple(sorted(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")))


def newest_version() -> str:
    """The version that this program works with."""
    return known_versions()[-1]


def read_stored_version(connection: Connection) -> str:
    """Version of the schema in a database; :data:`BASE` where there is none.

    Raises :class:`~tsmon.errors.StateError` where it is none of this program's.
    """
    if not inspect(connection).has_table(VERSION_TABLE):
        return BASE
    version = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608
    if version is None:
        return BASE
    if version not in known_versions():
        raise StateError(
            f"the state's schema has version {version}, and this program knows versions up to {newest_version()}; "
            "use the tsmon-agent that made it, or a later one"
        )
    return str(version)


def resolve_version(asked: str, current: str) -> str:
    """Version that a person means: a number, ``head``, ``base``, or steps from ``current``, such as ``-1``.

    Raises :class:`~tsmon.errors.StateError` where there is none such.
    """
    every = (BASE, *known_versions())
    if asked == "head":
        return every[-1]
    if asked[:1] in ("+", "-") and asked[1:].isdecimal():
        place = every.index(current) + int(asked)
        if 0 <= place < len(every):
            return every[place]
    elif asked.isdecimal() and asked.zfill(4) in every:
        return asked.zfill(4)
    elif asked == BASE:
        return BASE
    raise StateError(
        f"there is no version {asked} of the schema, counted from {current}; there are {', '.join(every)}, "
        "head, and steps such as -1"
    )
