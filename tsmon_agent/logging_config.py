"""Log configuration: standard error, or a file for Python's ``logging.config``."""

import json
import logging
import logging.config
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

from tsmon.errors import SettingsError
from tsmon.logs.error_texts import describe_error
from tsmon.logs.safe_text import escape_unprintable, escape_unprintable_lines

__all__ = ["LogConfig", "OneLine", "log_to_stderr"]

QUIET: Final = ("alembic", "apscheduler", "asyncio", "aiohttp.access")
"""Loggers of dependencies, whose records mean nothing to an operator."""


def log_to_stderr(*, verbose: bool) -> None:
    """Log to standard error, the default of the agent."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler])
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.ERROR)


class OneLine(logging.Formatter):
    """Formats each message on one line: names from outside cannot start a new line or send commands to a terminal.

    A file for ``agent.log_config`` can use it: ``"()": "tsmon_agent.logging_config.OneLine"``.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """See :meth:`logging.Formatter.formatMessage`; a traceback follows on lines of its own."""
        return escape_unprintable(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """See :meth:`logging.Formatter.formatException`."""
        return escape_unprintable_lines(super().formatException(ei))


class LogConfig:
    """Applies log configurations from files, one after the other."""

    def __init__(self) -> None:
        self._last: tuple[Path, dict[str, Any]] | None = None

    def apply(self, file: Path | None) -> None:
        """Configure logging from a file, in TOML or JSON by its suffix, and reopen log files; None: standard error.

        Raises :class:`~tsmon.errors.SettingsError`; logging then stays as it was.
        """
        if file is None:
            self._reset()
            return
        config = _read(file)
        try:
            _configure(file, config)
        except SettingsError:
            # A failed configuration has already removed the previous one.
            if self._last is not None:
                _configure(*self._last)
            else:
                log_to_stderr(verbose=False)
            raise
        self._last = file, config

    def _reset(self) -> None:
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
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: {describe_error(error)}; save it in UTF-8") from None
    except RecursionError:
        raise SettingsError(f"{file}: it is nested too deeply") from None
    except ValueError as error:
        raise SettingsError(f"{file}: this is not valid {file.suffix[1:].upper()}: {error}") from None
    if not isinstance(found, dict):
        raise SettingsError(f"{file}: expected an object with keys such as handlers and root")
    return {"version": 1, "disable_existing_loggers": False, **found}


def _configure(file: Path, config: dict[str, Any]) -> None:
    try:
        logging.config.dictConfig(config)
    except (ValueError, TypeError, AttributeError, ImportError, OSError) as error:
        reason = f"{error}: {_describe_cause(error.__cause__)}" if error.__cause__ else str(error)
        raise SettingsError(f"{file}: {reason}; see Python's logging.config.dictConfig") from None


def _describe_cause(cause: BaseException) -> str:
    if isinstance(cause, KeyError):
        return f"the key {cause.args[0]!r} is missing"
    if isinstance(cause, AttributeError | TypeError):
        return "a value in it is of the wrong kind"
    return str(cause) if isinstance(cause, ValueError) else describe_error(cause)
