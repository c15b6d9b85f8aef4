"""Reading the settings: file, then environment; mistakes are told with their place and the remedy."""

import difflib
import os
import re
import tomllib
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tsmon.errors import SettingsError
from tsmon.settings.agent import AgentSettings, WebSettings
from tsmon.settings.monitoring import MonitoringSettings

__all__ = ["Settings", "load_settings"]

DEFAULT_FILE: Final = Path("tsmon.toml")
OUR_VARIABLES: Final = re.compile(r"TSMON_(SETTINGS$|TEST_)")


class _Environment(EnvSettingsSource):
    """Variables such as ``TSMON_MONITORING__TOKEN``; a text that is no JSON is left to the field."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """All settings, by section. Environment variables win over the file, arguments over both."""

    model_config = SettingsConfigDict(
        env_prefix="TSMON_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    monitoring: MonitoringSettings = MonitoringSettings()
    agent: AgentSettings = AgentSettings()
    web: WebSettings = WebSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment first, then what :func:`load_settings` read from the file."""
        return _Environment(settings_cls), init_settings


def load_settings(path: Path | str | None = None) -> Settings:
    """Settings from a TOML file and from ``TSMON_*`` variables.

    The file is ``path``, else the one that ``TSMON_SETTINGS`` names, else ``tsmon.toml`` in the working
    directory if there is one. Raises :class:`~tsmon.errors.SettingsError`, whose text has one line for each
    mistake, naming file and line, or the variable.
    """
    if path is None and (named := os.environ.get("TSMON_SETTINGS")):
        path = named
    file = Path(path) if path is not None else DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    text = _read(file) if file is not None else ""
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file} is not valid TOML: {error}") from None
    _check_variables()
    try:
        return Settings(**values)
    except ValidationError as error:
        mistakes = [_sentence(mistake, file, text) for mistake in error.errors()]
        raise SettingsError("\n".join(mistakes)) from None


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise SettingsError(f"the settings file {file} cannot be read: {reason}") from None


def _check_variables() -> None:
    sections = [f"TSMON_{name.upper()}__" for name in Settings.model_fields]
    for variable in os.environ:
        known = any(variable.upper().startswith(section) for section in sections)
        if variable.startswith("TSMON_") and not known and not OUR_VARIABLES.match(variable):
            raise SettingsError(
                f"the environment variable {variable} is not a setting; "
                f"they are named {sections[0]}KEY or {sections[1]}KEY"
            )


def _sentence(mistake: Any, file: Path | None, text: str) -> str:
    location: tuple[str | int, ...] = mistake["loc"]
    keys = [str(part) for part in location if isinstance(part, str)]
    name = ".".join(str(part) for part in location)
    variable = "TSMON_" + "__".join(keys).upper()
    found = next((v for v in os.environ if v.upper() == variable), None)
    place = found or _place(keys, file, text)
    if mistake["type"] == "extra_forbidden":
        return f"{place}: {name} is not a setting{_suggestion(keys)}"
    reason = mistake["msg"].removeprefix("Value error, ")
    return f"{place}: {name}: {reason[:1].lower()}{reason[1:]}"


def _suggestion(keys: list[str]) -> str:
    fields: dict[str, Any] = dict(Settings.model_fields)
    if len(keys) > 1 and keys[0] in fields:
        fields = fields[keys[0]].annotation.model_fields
    close = difflib.get_close_matches(keys[-1], fields, n=1)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(fields))}"


def _place(keys: list[str], file: Path | None, text: str) -> str:
    """``file:line`` of a key, found by reading the file's lines; the file alone where that fails."""
    if file is None:
        return "settings"
    section: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("["):
            section = [part.strip().strip("\"'") for part in stripped.strip("[]").split(".")]
            if section == keys:
                return f"{file}:{number}"
        elif "=" in stripped:
            key = [part.strip().strip("\"'") for part in stripped.partition("=")[0].split(".")]
            if section + key == keys[: len(section + key)] and section + key:
                return f"{file}:{number}"
    return str(file)
