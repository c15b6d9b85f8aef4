"""Where the points of a stream are, by its own selector or by that of the settings."""

import re
from typing import Final

from tsmon.errors import SelectorError
from tsmon.stores import Selector, parse_selector
from tsmon.stores.selectors import check_selector

__all__ = ["BINS", "build_default_selector", "parse_stream_selector"]

BINS: Final = "stream_bins"
"""The measurement of bins that come ready made; as a selector it means those of the stream itself."""

_placeholder: Final = re.compile(r"\{(reference_designator|method|stream)\}")


def build_default_selector(template: str, reference_designator: str, method: str, stream: str) -> Selector:
    """The selector of a stream that has none of its own: ``template`` with its names in place of ``{stream}``, ….

    Raises :class:`~tsmon.errors.SelectorError` where no points can be so called.
    """
    names = {"reference_designator": reference_designator, "method": method, "stream": stream}

    def filled(text: str) -> str:
        return _placeholder.sub(lambda match: names[match[1]], text)

    pattern = parse_selector(template)
    tags = {filled(key): filled(value) for key, value in pattern.tags.items()}
    selector = Selector(filled(pattern.measurement), filled(pattern.field), tags)
    check_selector(selector)
    return selector


def parse_stream_selector(value: object, reference_designator: str, method: str, stream: str) -> Selector | None:
    """A stream's own selector; None for an empty text. Raises ValueError."""
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
