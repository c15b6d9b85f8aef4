"""Section ``[streams]``: which streams are expected, and where their points are."""

from typing import Annotated

from pydantic import AfterValidator, Field

from tsmon.errors import SelectorError
from tsmon.settings.field_types import FilePath
from tsmon.settings.section import Section
from tsmon.stores import parse_selector

__all__ = ["StreamSettings"]


def _check_selector(text: str) -> str:
    try:
        parse_selector(text)
    except SelectorError as error:
        raise ValueError(str(error)) from None
    return text


class StreamSettings(Section):
    """Expected streams; see ``tsmon.toml`` for the meaning of each key."""

    expected: FilePath | None = None
    deployments: FilePath | None = None
    retention_days: float = Field(default=0.0, ge=0)
    selector: Annotated[str, AfterValidator(_check_selector)] = (
        "{stream},reference_designator={reference_designator},method={method} value"
    )
