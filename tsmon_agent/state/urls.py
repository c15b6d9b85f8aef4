"""URLs of the state's database: parsed, and formatted without their secrets."""

from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from tsmon.errors import SettingsError
from tsmon.files.user_places import expand_home

__all__ = ["format_url", "parse_url", "sqlite_file_of"]

DRIVERS: Final = {"postgres": "postgresql+psycopg", "postgresql": "postgresql+psycopg"}
"""The driver of a URL that names none, if it is not SQLAlchemy's default."""

MASK: Final = "***"

REMEDIES: Final = {"psycopg": "install tsmon[postgresql]"}


def parse_url(text: str | Path) -> URL:
    """Parse the URL of a database, or the path of a SQLite file; raises :class:`~tsmon.errors.SettingsError`.

    The error repeats no part of a malformed URL, which may be a password.
    """
    if isinstance(text, Path):
        return URL.create("sqlite", database=str(_expand(text)))
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):
        raise SettingsError(
            "state.url is not a valid URL; write it like postgresql://user:password@host:5432/database, "
            "with %40 for an @ within the password"
        ) from None
    url = url.set(drivername=DRIVERS.get(url.drivername, url.drivername))
    try:
        dialect = url.get_dialect()
        dialect.import_dbapi()
    except NoSuchModuleError:
        raise SettingsError(
            f"state.url names {url.drivername}, which SQLAlchemy does not know; use sqlite or postgresql"
        ) from None
    except ImportError as error:
        remedy = REMEDIES.get(url.get_driver_name(), "install that driver")
        raise SettingsError(f"state.url needs the module {error.name}, which is not installed; {remedy}") from None
    if dialect.is_async:
        raise SettingsError(
            f"state.url names the asynchronous driver {url.get_driver_name()}; "
            f"leave it out: {url.get_backend_name()}://…"
        )
    if url.get_backend_name() == "sqlite":
        if url.database in (None, "", ":memory:") or str(url.database).startswith("file:"):
            raise SettingsError("state.url names no file; write it like sqlite:////var/lib/tsmon/state.db")
        url = url.set(database=str(_expand(str(url.database))))
    return url


def _expand(path: str | Path) -> Path:
    try:
        return expand_home(path)
    except ValueError as error:
        raise SettingsError(f"state.url: {error}") from None


def sqlite_file_of(url: URL) -> Path | None:
    """File of a SQLite database; None for any other database."""
    return Path(str(url.database)) if url.get_backend_name() == "sqlite" else None


def format_url(url: URL) -> str:
    """Format a URL for people: the path of a file, or the URL with every password masked."""
    file = sqlite_file_of(url)
    if file is not None:
        return str(file)
    masked = {key: MASK for key in url.query if "password" in key.lower()}
    return url.update_query_dict(masked).render_as_string(hide_password=True).replace(quote(MASK), MASK)
