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
from tsmon.settings.agent import AgentSettings
from tsmon.settings.availability import AvailabilitySettings
from tsmon.settings.freshness import FreshnessSettings
from tsmon.settings.monitoring import MonitoringSettings
from tsmon.settings.places import place_of
from tsmon.settings.rollups import RollupSettings
from tsmon.settings.state import StateSettings
from tsmon.settings.streams import StreamSettings
from tsmon.settings.web import WebSettings

__all__ = ["Settings", "load_settings"]

DEFAULT_FILE: Final = Path("tsmon.toml")
OUR_VARIABLES: Final = re.compile(r"TSMON_(SETTINGS$|TEST_)")

_toml_place: Final = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class _Environment(EnvSettingsSource):
    """Variables such as ``TSMON_MONITORING__TOKEN``; a text that is no JSON is left to the field."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(BaseSettings):
    """All settings, by section. Environment variables win over arguments, which is how the file comes in."""

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
    state: StateSettings = StateSettings()
    streams: StreamSettings = StreamSettings()
    rollups: RollupSettings = RollupSettings()
    availability: AvailabilitySettings = AvailabilitySettings()
    freshness: FreshnessSettings = FreshnessSettings()

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
    named_by = ""
    if path is None and (named := os.environ.get("TSMON_SETTINGS")):
        path, named_by = named, ", named by TSMON_SETTINGS,"
    file = Path(path).expanduser() if path is not None else DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    found = _load(file, named_by)
    # Raised here, where no local variable holds a secret that a report with variables would show.
    if not isinstance(found, Settings):
        raise SettingsError("\n".join(found))
    return found


def _load(file: Path | None, named_by: str) -> Settings | list[str]:
    """The settings, or a sentence for each mistake."""
    text = ""
    if file is not None:
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            return [f"the settings file {file}{named_by} cannot be read: {reason}"]
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        place = _toml_place.search(message)
        number = place[1] if place and place[1] else str(text.rstrip().count("\n") + 1)
        return [f"{file}:{number}: this is not valid TOML: {_toml_place.sub('', message)}"]
    mistakes = [_variable_mistake(name) for name in os.environ if _is_unknown(name)]
    try:
        settings = Settings(**values)
    except ValidationError as error:
        return mistakes + [_sentence(mistake, file, text) for mistake in error.errors()]
    return mistakes or settings


def _is_unknown(variable: str) -> bool:
    section = variable.upper().removeprefix("TSMON_").partition("__")[0].lower()
    ours = section in Settings.model_fields or OUR_VARIABLES.match(variable)
    return variable.startswith("TSMON_") and not ours


def _variable_mistake(variable: str) -> str:
    meant = {
        re.sub("__", "_", name): name
        for section, field in Settings.model_fields.items()
        for name in _variables_in(section, field)
    }
    close = difflib.get_close_matches(variable, meant, n=1, cutoff=0.8)
    remedy = f"did you mean {meant[close[0]]}?" if close else "they are named like TSMON_MONITORING__TOKEN"
    return f"the environment variable {variable} is not a setting; {remedy}"


def _variables_in(section: str, field: FieldInfo) -> list[str]:
    keys: dict[str, FieldInfo] = getattr(field.annotation, "model_fields", {})
    return [f"TSMON_{section}__{key}".upper() for key in keys]


def _sentence(mistake: Any, file: Path | None, text: str) -> str:
    location: tuple[str | int, ...] = tuple(part for part in mistake["loc"] if part != "[key]")
    keys = [str(part) for part in location if isinstance(part, str)]
    name = ".".join(str(part) for part in location)
    place = place_of(keys, file, text)
    if mistake["type"] == "extra_forbidden":
        return f"{place}: {name} is not a setting{_suggestion(keys)}"
    if mistake["type"] in ("model_type", "model_attributes_type"):
        return f"{place}: {name} is a section; write [{name}] and its keys below"
    reason = mistake["msg"].removeprefix("Value error, ").replace("Input should", "should").replace("input", "it")
    return f"{place}: {name}: {reason[:1].lower()}{reason[1:]}"


def _suggestion(keys: list[str]) -> str:
    fields: dict[str, Any] = dict(Settings.model_fields)
    if len(keys) > 1 and keys[0] in fields:
        fields = fields[keys[0]].annotation.model_fields
    close = difflib.get_close_matches(keys[-1], fields, n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(fields))}"
