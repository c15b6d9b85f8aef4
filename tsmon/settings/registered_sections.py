"""Sections that other installed programs add to the settings file, such as the agent's ``[web]``.

They are entry points of the group ``tsmon.settings``: the name of a section, and its subclass of
:class:`~tsmon.settings.section.Section`. A section is imported only if it is set.
"""

import os
from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any, Final, TypeVar

from pydantic import BaseModel, create_model

from tsmon.settings.section import Section

__all__ = ["add_set_sections", "load_sections", "registered_names", "section_of_variable"]

GROUP: Final = "tsmon.settings"
PREFIX: Final = "TSMON_"

Model = TypeVar("Model", bound=BaseModel)


def registered_names() -> Iterable[str]:
    """Names of all registered sections."""
    return entry_points(group=GROUP).names


def load_sections() -> dict[str, type[Section]]:
    """All registered sections by name, imported."""
    return {section.name: section.load() for section in entry_points(group=GROUP)}


def section_of_variable(variable: str) -> str:
    """Name of the section that a variable such as ``TSMON_WEB__PORT`` belongs to."""
    return variable.upper().removeprefix(PREFIX).partition("__")[0].lower()


def add_set_sections(model: type[Model], values: Mapping[str, Any]) -> type[Model]:
    """``model`` with the registered sections that are set in ``values`` or in the environment."""
    variables = {section_of_variable(name) for name in os.environ if name.upper().startswith(PREFIX)}
    fields: dict[str, Any] = {}
    for section in entry_points(group=GROUP):
        if section.name not in model.model_fields and (section.name in values or section.name in variables):
            loaded = section.load()
            fields[section.name] = (loaded, loaded())
    return create_model(model.__name__, __base__=model, **fields) if fields else model
