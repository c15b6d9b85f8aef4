"""Reading the settings: file, then environment; mistakes are told with their place and the remedy."""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError, create_model
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tsmon.errors import SettingsError
from tsmon.settings.locations import place_of
from tsmon.settings.monitoring import MonitoringSettings

__all__ = ["Settings", "load", "load_settings"]

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
    """The library's settings, by section. Environment variables win over arguments, by which the file comes in."""

    model_config = SettingsConfigDict(
        env_prefix="TSMON_",
        env_nested_delimiter="__",
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
    )

    monitoring: MonitoringSettings = MonitoringSettings()

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


Model = TypeVar("Model", bound=Settings)


def load_settings(path: Path | str | None = None) -> Settings:
    """Settings from a TOML file and from ``TSMON_*`` variables.

    The file is ``path``, else the one that ``TSMON_SETTINGS`` names, else ``tsmon.toml`` in the working
    directory if there is one. Raises :class:`~tsmon.errors.SettingsError`, whose text has one line for each
    mistake, naming file and line, or the variable. Sections of other installed programs, such as the agent's, may
    stand in the same file; they are checked where they are set.
    """
    return load(path, Settings)


def load(path: Path | str | None, model: type[Model]) -> Model:
    """Like :func:`load_settings`, for settings with more sections than the library's."""
    named_by = ""
    if path is None and (named := os.environ.get("TSMON_SETTINGS")):
        path, named_by = named, ", named by TSMON_SETTINGS,"
    file = Path(path).expanduser() if path is not None else DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    found = _load(file, named_by, model)
    # Raised here, where no local variable holds a secret that a report with variables would show.
    if isinstance(found, list):
        raise SettingsError("\n".join(found))
    return found


def _load(file: Path | None, named_by: str, model: type[Model]) -> Model | list[str]:
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
    whole = _with_registered_sections(model, values)
    mistakes = [_variable_mistake(name, whole) for name in os.environ if _is_unknown(name, whole)]
    try:
        settings = whole(**values)
    except ValidationError as error:
        return mistakes + [_sentence(mistake, file, text, whole) for mistake in error.errors()]
    return mistakes or settings


def _with_registered_sections(model: type[Model], values: Mapping[str, Any]) -> type[Model]:
    """``model`` with the sections that other programs have registered, those of them that are set.

    They are entry points of the group ``tsmon.settings``: the name of a section and its model.
    """
    variables = [_section_of(name) for name in os.environ if name.upper().startswith("TSMON_")]
    fields: dict[str, Any] = {}
    for section in entry_points(group="tsmon.settings"):
        if section.name not in model.model_fields and (section.name in values or section.name in variables):
            loaded = section.load()
            fields[section.name] = (loaded, loaded())
    return create_model(model.__name__, __base__=model, **fields) if fields else model


def _section_of(variable: str) -> str:
    return variable.upper().removeprefix("TSMON_").partition("__")[0].lower()


def _is_unknown(variable: str, model: type[Settings]) -> bool:
    ours = _section_of(variable) in model.model_fields or OUR_VARIABLES.match(variable)
    return variable.startswith("TSMON_") and not ours


def _variable_mistake(variable: str, model: type[Settings]) -> str:
    sections = {name: field.annotation for name, field in model.model_fields.items()}
    sections |= {entry.name: entry.load() for entry in entry_points(group="tsmon.settings")}
    meant = {
        f"TSMON_{section}_{key}".upper(): f"TSMON_{section}__{key}".upper()
        for section, keys in sections.items()
        for key in getattr(keys, "model_fields", {})
    }
    close = difflib.get_close_matches(variable, meant, n=1, cutoff=0.8)
    remedy = f"did you mean {meant[close[0]]}?" if close else "they are named like TSMON_MONITORING__TOKEN"
    return f"the environment variable {variable} is not a setting; {remedy}"


def _sentence(mistake: Any, file: Path | None, text: str, model: type[Settings]) -> str:
    location: tuple[str | int, ...] = tuple(part for part in mistake["loc"] if part != "[key]")
    keys = [str(part) for part in location if isinstance(part, str)]
    name = ".".join(str(part) for part in location)
    place = place_of(keys, file, text)
    if mistake["type"] == "extra_forbidden":
        return f"{place}: {name} is not a setting{_suggestion(keys, model)}"
    if mistake["type"] in ("model_type", "model_attributes_type"):
        return f"{place}: {name} is a section; write [{name}] and its keys below"
    reason = mistake["msg"].removeprefix("Value error, ").replace("Input should", "should").replace("input", "it")
    return f"{place}: {name}: {reason[:1].lower()}{reason[1:]}"


def _suggestion(keys: list[str], model: type[Settings]) -> str:
    known: list[str] = [*model.model_fields, *entry_points(group="tsmon.settings").names]
    if len(keys) > 1 and keys[0] in model.model_fields:
        known = list(getattr(model.model_fields[keys[0]].annotation, "model_fields", {}))
    close = difflib.get_close_matches(keys[-1], known, n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else f"; there are {', '.join(sorted(set(known)))}"
