"""All settings of the library: its sections, from code, from variables and from a file."""

from collections.abc import Iterable
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tsmon.settings.locations import find_variable
from tsmon.settings.monitoring import MonitoringSettings
from tsmon.settings.registered_sections import registered_names
from tsmon.settings.section import Section

__all__ = ["Settings"]


class _Environment(EnvSettingsSource):
    """Variables such as ``TSMON_MONITORING__TOKEN``; a text that is not JSON is left to the field."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        try:
            return super().decode_complex_value(field_name, field, value)
        except ValueError:
            return value


class Settings(Section, BaseSettings):
    """The settings by section. Environment variables take precedence over arguments."""

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
        """The environment first, then the arguments, among them what :func:`load_settings` read from the file."""
        return _Environment(settings_cls), init_settings

    @classmethod
    def _known_keys(cls) -> Iterable[str]:
        return {*cls.model_fields, *registered_names()}

    @classmethod
    def _place(cls, keys: list[str]) -> str:
        return find_variable(keys) or cls.__name__
