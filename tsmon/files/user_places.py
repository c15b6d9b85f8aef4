"""Places that belong to the user who runs a program: the home directory, and the directories for data and state.

A user of a container may have none: no HOME, no entry in the list of users, a home that is the root directory.
"""

import os
from pathlib import Path
from typing import Final, Literal

__all__ = ["NO_HOME", "expand_home", "find_user_directory", "is_data_directory_named", "why_not_creatable"]

NO_HOME: Final = "this user has no home directory"


def expand_home(path: str | os.PathLike[str]) -> Path:
    """Return a path with its ``~`` expanded; raises ValueError, with the remedy, if there is no such directory."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        name = Path(path).parts[0]
        reason = NO_HOME if name == "~" else "there is no such user, or it has no home directory"
        raise ValueError(f"{name} cannot be expanded, because {reason}; write the whole path") from None


def find_user_directory(kind: Literal["data", "state"]) -> Path | None:
    """Return tsmon's directory among the user's, as the platform has it; None if the user has no such directories.

    A relative path in an XDG variable, or a home that is none, is no place.
    """
    from platformdirs import user_data_path, user_state_path

    try:
        path = user_data_path("tsmon") if kind == "data" else user_state_path("tsmon")
    except (RuntimeError, OSError):
        return None
    return path if path.is_absolute() else None


def is_data_directory_named() -> bool:
    """Whether the environment names the directory for data, so that it is no default."""
    return os.name == "posix" and Path(os.environ.get("XDG_DATA_HOME", "")).is_absolute()


def why_not_creatable(path: Path) -> str | None:
    """Return why a file that does not exist cannot be created, as a clause after "because"; None if it can be."""
    try:
        above = next((one for one in path.absolute().parents if _exists(one)), Path(path.anchor or "/"))
        if not above.is_dir():
            return f"{above} is a file"
        if not os.access(above, os.W_OK | os.X_OK):
            return f"{above} is not writable"
    except OSError as error:
        return f"the working directory cannot be used ({error.strerror or error})"
    return None


def _exists(path: Path) -> bool:
    """Whether there is something at this path; in a directory that may not be searched, nothing is found."""
    try:
        return path.exists()
    except OSError:
        return False
