"""Where the settings are, and what they name: what an operator needs on another machine besides a backup."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel

from tsmon.files.user_places import expand_home
from tsmon.settings.loading import DEFAULT_FILE
from tsmon_agent.state.urls import format_url, parse_url

if TYPE_CHECKING:
    from tsmon_agent.settings import Settings

__all__ = ["find_settings_file", "find_whereabouts", "variable_names"]


def find_settings_file(named: Path | None) -> Path | None:
    """The settings file that commands read; None if there is none."""
    if named is None and (of_environment := os.environ.get("TSMON_SETTINGS")):
        named = Path(of_environment)
    if named is None:
        return DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    return expand_home(named)


def find_whereabouts(settings: "Settings", settings_file: Path | None) -> dict[str, str]:
    """Path of the settings file, and of each file that a setting names, by key; passwords are masked."""
    found = {} if settings_file is None else {"file": str(settings_file.absolute())}
    for section in type(settings).model_fields:
        part = getattr(settings, section)
        if isinstance(part, BaseModel):
            for key in type(part).model_fields:
                value = getattr(part, key)
                if isinstance(value, Path):
                    found[f"{section}.{key}"] = str(value.absolute())
    if settings.state.url is not None:
        found["state.url"] = format_url(parse_url(settings.state.url.get_secret_value()))
    return found


def variable_names() -> list[str]:
    """Names of the environment variables that are settings."""
    return sorted(name for name in os.environ if name.startswith("TSMON_"))
