"""How a command ends: with its result, or one sentence that says what is wrong."""

import io
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tsmon.errors import TsmonError
from tsmon.logs.error_texts import describe_error
from tsmon.logs.safe_text import escape_unprintable_lines

__all__ = ["run_command"]

TRACEBACK: Final = "TSMON_TRACEBACK"
"""Variable of the environment that shows the traceback of a fault."""


def run_command(name: str, app: Callable[[], object]) -> None:
    """Run the command ``name``; a mistake of the user ends it with one sentence and exit code 1.

    So does a file or disk that fails. A fault of ours is named by its place, for a report.
    """
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.errors == "strict":
        # A name that the terminal's encoding does not have ends no command.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        app()
    except TsmonError as error:
        _end(name, str(error))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if os.environ.get(TRACEBACK):
            raise
        _end(name, _explain(error))


def _explain(error: Exception) -> str:
    if isinstance(error, OSError | MemoryError):
        return f"{describe_error(error)}; check the disk, the memory and this user's rights"
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"this is a fault in the program, not yours: {describe_error(error)} in {Path(place.filename).name}, line "
        f"{place.lineno}; please report it with what {TRACEBACK}=1 shows"
    )


def _end(name: str, reason: str) -> None:
    sys.exit(f"{name}: {escape_unprintable_lines(reason)}")
