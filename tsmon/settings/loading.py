"""Reading the settings from a file and from the environment; every mistake is named with its place and remedy."""

import contextlib
import os
import re
import tomllib
from pathlib import Path
from typing import Final, TypeVar

from tsmon.errors import SettingsError
from tsmon.files.user_places import expand_home
from tsmon.logs.error_texts import describe_error
from tsmon.settings.locations import find_place
from tsmon.settings.mistakes import InvalidSettingsError
from tsmon.settings.model import Settings
from tsmon.settings.registered_sections import add_set_sections
from tsmon.settings.variables import unknown_variables

__all__ = ["load", "load_settings"]

DEFAULT_FILE: Final = Path("tsmon.toml")

_toml_place: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

Model = TypeVar("Model", bound=Settings)


def load_settings(path: Path | str | None = None) -> Settings:
    """Settings from a TOML file and from ``TSMON_*`` variables.

    The file is ``path``, else the one that ``TSMON_SETTINGS`` names, else ``tsmon.toml`` in the working directory,
    if it exists. Raises :class:`~tsmon.errors.SettingsError`, whose text has a line for each mistake, naming file
    and line, or the variable. The file may contain sections of other installed programs, such as the agent's; they
    are checked too.
    """
    return load(path, Settings)


def load(path: Path | str | None, model: type[Model]) -> Model:
    """As :func:`load_settings`, for settings with more sections than the library's."""
    named_by = ""
    if path is None and (named := os.environ.get("TSMON_SETTINGS")):
        path, named_by = named, ", named by TSMON_SETTINGS,"
    found = _load(_choose_file(path, named_by), named_by, model)
    # Raised here, where no local variable holds a secret that a traceback with variables would show.
    if isinstance(found, list):
        raise SettingsError("\n".join(found))
    return found


def _choose_file(path: Path | str | None, named_by: str) -> Path | None:
    if path is None:
        # A working directory that cannot be searched has no file, as far as this user is concerned.
        with contextlib.suppress(OSError):
            return DEFAULT_FILE if DEFAULT_FILE.is_file() else None
        return None
    try:
        return expand_home(path)
    except ValueError as error:
        raise SettingsError(f"the settings file {path}{named_by} cannot be read: {error}") from None


def _load(file: Path | None, named_by: str, model: type[Model]) -> Model | list[str]:
    """The settings, or a sentence for each mistake."""
    text = ""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = describe_error(error, names_file=False)
            return [f"the settings file {file}{named_by} cannot be read: {reason}"]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _toml_place.search(message)
        number = place[1] if place and place[1] else str(text.rstrip().count("\n") + 1)
        return [f"{file}:{number}: this is not valid TOML: {_toml_place.sub('', message)}"]
    whole = add_set_sections(model, values)
    mistakes = list(unknown_variables(whole.model_fields))
    try:
        settings = whole(**values)
    except InvalidSettingsError as error:
        return mistakes + [one.sentence(find_place(one.keys, file, text)) for one in error.mistakes]
    return mistakes or settings
