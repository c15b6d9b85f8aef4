"""Where the points of a stream are: its own selector, or the one that the settings give it."""

import re
from typing import Final

from tsmon.errors import SelectorError
from tsmon.stores import Selector, parse_selector
from tsmon.stores.selectors import check_selector

__all__ = ["BINS", "build_default_selector", "parse_stream_selector"]

BINS: Final = "stream_bins"
"""The measurement of reported bins; as a selector it means those of the stream itself."""

_placeholder: Final = re.compile(r"\{(reference_designator|method|stream)\}")


def build_default_selector(template: str, reference_designator: str, method: str, stream: str) -> Selector:
    """Build the selector of a stream without one of its own: ``template``, with its names for ``{stream}``, ….

    Raises :class:`~tsmon.errors.SelectorError` if points cannot have such names.
    """
    names = {"reference_designator": reference_designator, "method": method, "stream": stream}

    def fill_in(text: str) -> str:
        return _placeholder.sub(lambda match: names[match[1]], text)

    pattern = parse_selector(template)
    tags = {fill_in(key): fill_in(value) for key, value in pattern.tags.items()}
    selector = Selector(fill_in(pattern.measurement), fill_in(pattern.field), tags)
    check_selector(selector)
    return selector


def parse_stream_selector(value: object, reference_designator: str, method: str, stream: str) -> Selector | None:
    """Parse a stream's own selector; an empty text is None. Raises ValueError."""
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise ValueError(f"is {value!r}; give a text such as measurement,tag=value field")
    if value.strip() == BINS:
        tags = {"reference_designator": reference_designator, "method": method, "stream": stream}
        return Selector(BINS, "count", tags)
    try:
        return parse_selector(value)
    except SelectorError as error:
        raise ValueError(f"is wrong: {error}") from None
