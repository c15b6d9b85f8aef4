"""Rules of single streams: how they differ from the settings' section ``[availability]``.

As text they are ``preset=bins; gap_fraction=0.01; bounds=1,2,3; colors.missing=#d9534d``.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from tsmon.availability import Rules
from tsmon.errors import AvailabilityError
from tsmon.settings.mistakes import InvalidSettingsError
from tsmon.time_units import SECOND_NS
from tsmon_agent.settings import AvailabilitySettings
from tsmon_agent.state import ExpectedStream

__all__ = ["build_rules", "check_rules", "format_rules", "parse_rules"]

COLORS: Final = "colors."


def build_rules(stream: ExpectedStream, settings: AvailabilitySettings) -> Rules:
    """Build the rules of a stream: the settings, overridden by its own rules, and the period of its expected rate.

    Raises :class:`~tsmon.errors.AvailabilityError` if its own rules do not fit the settings (any more).
    """
    try:
        rules = _override(settings, stream.rules).rules() if stream.rules else settings.rules()
    except InvalidSettingsError as error:
        name = f"{stream.reference_designator} {stream.method} {stream.stream}"
        raise AvailabilityError(f"the rules of {name} do not fit the settings: {_format_error(error)}") from None
    if stream.expected_rate is None:
        return rules
    return replace(rules, period_ns=round(SECOND_NS / stream.expected_rate))


def check_rules(own: Mapping[str, Any], settings: AvailabilitySettings) -> dict[str, Any] | None:
    """Check a stream's own rules and convert their values to the right types; None if there are none.

    Raises ValueError if they are wrong, alone or together with the settings.
    """
    try:
        found = _override(settings, own).model_dump(include=set(own))
    except InvalidSettingsError as error:
        raise ValueError(_format_error(error)) from None
    if "colors" in found:
        found["colors"] = {key: color for key, color in found["colors"].items() if key in own["colors"]}
    return found or None


def parse_rules(text: str) -> dict[str, Any]:
    """Parse a stream's own rules, with their values still as text; raises ValueError."""
    found: dict[str, Any] = {}
    for part in filter(None, map(str.strip, text.split(";"))):
        key, equals, value = map(str.strip, part.partition("="))
        if not equals or not key or not value:
            raise ValueError(f"{part!r} is not key=value; write rules like gap_fraction=0.01; bounds=1,2,3")
        section = found
        if key.startswith(COLORS):
            section, key = found.setdefault("colors", {}), key.removeprefix(COLORS)
        if key in section:
            raise ValueError(f"{key} is given twice; remove one of them")
        section[key] = value.replace(",", " ").split() if key == "bounds" else value
    return found


def format_rules(own: Mapping[str, Any] | None) -> str:
    """Format a stream's own rules as :func:`parse_rules` reads them; empty if there are none."""
    parts = []
    for key, value in (own or {}).items():
        if key == "colors":
            parts += [f"{COLORS}{name}={color}" for name, color in value.items()]
        elif key == "bounds":
            parts.append(f"{key}={','.join(map(repr, value))}")
        elif value is not None:
            parts.append(f"{key}={value}")
    return "; ".join(parts)


def _override(settings: AvailabilitySettings, own: Mapping[str, Any]) -> AvailabilitySettings:
    values = {**settings.model_dump(exclude_unset=True), **own}
    if isinstance(own.get("colors"), Mapping):
        values["colors"] = {**settings.colors, **own["colors"]}
    return AvailabilitySettings(**values)


def _format_error(error: InvalidSettingsError) -> str:
    mistake = error.mistakes[0]
    name = ".".join(map(str, mistake.location))
    if mistake.is_unknown:
        return f"{name} is not a rule; there are {', '.join(AvailabilitySettings.model_fields)}"
    return f"{name}: {mistake.reason}" if name else mistake.reason
