"""Where log records go: to standard error, or as a file says that Python's ``logging.config`` reads."""

import json
import logging
import logging.config
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from tsmon.errors import SettingsError
from tsmon.logs.safe_text import escape_unprintable, escape_unprintable_lines

__all__ = ["LogConfig", "OneLine", "log_to_stderr"]

QUIET: Final = ("alembic", "apscheduler", "asyncio", "aiohttp.access")
"""Loggers of others, whose words would tell nobody anything."""


def log_to_stderr(*, verbose: bool) -> None:
    """The agent's own way."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


class OneLine(logging.Formatter):
    """Says each message on one line: names in it that come from outside begin no other, and command no terminal.

    A file for ``agent.log_config`` can name it: ``"()": "tsmon_agent.logging_config.OneLine"``.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """See :meth:`logging.Formatter.formatMessage`; a traceback follows it on its own lines."""
        return escape_unprintable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """See :meth:`logging.Formatter.formatException`."""
        return escape_unprintable_lines(super().formatException(ei))


class LogConfig:
    """Logging as files say, one after the other."""

    def __init__(self) -> None:
        self._last: tuple[Path, dict[str, Any]] | None = None

    def apply(self, file: Path | None) -> None:
        """Log as a file says, TOML or JSON by its name, with log files opened anew; None: to standard error.

        Raises :class:`~tsmon.errors.SettingsError`, and then logs as before.
        """
        if file is None:
            self._forget()
            return
        config = _read(file)
        try:
            _configure(file, config)
        except SettingsError:
            # A configuration that fails leaves nothing of what was.
            if self._last is not None:
                _configure(*self._last)
            else:
                log_to_stderr(verbose=False)
            raise
        self._last = file, config

    def _forget(self) -> None:
        if self._last is not None:
            self._last = None
            for handler in logging.getLogger().handlers[:]:
                logging.getLogger().removeHandler(handler)
                handler.close()
            log_to_stderr(verbose=False)


def _read(file: Path) -> dict[str, Any]:
    read = {".toml": tomllib.loads, ".json": json.loads}.get(file.suffix)
    if read is None:
        raise SettingsError(f"agent.log_config is {file}; name a file that ends with .toml or .json")
    try:
        found = read(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"agent.log_config: {file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"{file}: this is not valid {file.suffix[1:].upper()}: {error}") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{file}: there should be an object with keys such as handlers and root")
    return {"version": 1, "disable_existing_loggers": False, **found}


def _configure(file: Path, config: dict[str, Any]) -> None:
    try:
        logging.config.dictConfig(config)
    except (ValueError, TypeError, AttributeError, ImportError, OSError) as error:
        reason = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        raise SettingsError(f"{file}: {reason}; see Python's logging.config.dictConfig") from None
