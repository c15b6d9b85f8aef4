"""Environment variables that look like settings but are none."""

import difflib
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from pydantic.fields import FieldInfo

from tsmon.settings.registered_sections import PREFIX, load_sections, section_of_variable

__all__ = ["unknown_variables"]

OTHER_VARIABLES: Final = re.compile(r"TSMON_(SETTINGS$|TEST_)")


def unknown_variables(sections: Mapping[str, FieldInfo]) -> Iterator[str]:
    """A sentence for each variable that begins like a setting and belongs to none of the sections."""
    for variable in os.environ:
        known = section_of_variable(variable) in sections or OTHER_VARIABLES.match(variable)
        if variable.startswith(PREFIX) and not known:
            yield f"the environment variable {variable} is not a setting; {_remedy(variable, sections)}"


def _remedy(variable: str, sections: Mapping[str, FieldInfo]) -> str:
    models: dict[str, Any] = {name: field.annotation for name, field in sections.items()} | load_sections()
    meant = {
        f"{PREFIX}{section}_{key}".upper(): f"{PREFIX}{section}__{key}".upper()
        for section, model in models.items()
        for key in model.model_fields
    }
    close = difflib.get_close_matches(variable, meant, n=1, cutoff=0.8)
    return f"did you mean {meant[close[0]]}?" if close else "they are named like TSMON_MONITORING__TOKEN"
