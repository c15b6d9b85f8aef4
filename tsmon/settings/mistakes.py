"""Mistakes in settings, each as one sentence: from pydantic's errors, without the values that were given.

A mistake is the same sentence wherever the settings come from; only the place before it differs: file and line, a
variable, or the class that was called in code.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from pydantic import ValidationError

from tsmon.errors import SettingsError

__all__ = ["InvalidSettingsError", "Mistake", "describe_mistakes", "suggest"]


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong at ``location``, the keys and indexes that lead to the value; empty: the whole section."""

    location: tuple[str | int, ...]
    reason: str
    is_predicate: bool = False
    """Whether the reason continues the name to a sentence."""
    is_unknown: bool = False
    """Whether there is no setting of this name."""

    @property
    def keys(self) -> list[str]:
        """The keys of the location."""
        return [part for part in self.location if isinstance(part, str)]

    def sentence(self, place: str) -> str:
        """The sentence, for a mistake at this place."""
        name = ".".join(map(str, self.location))
        if not name:
            return f"{place}: {self.reason}"
        return f"{place}: {name}{' ' if self.is_predicate else ': '}{self.reason}"


class InvalidSettingsError(SettingsError):
    """Settings are wrong; the text has a line for each of ``mistakes``, with the place of its keys."""

    def __init__(self, mistakes: Sequence[Mistake], place_of: Callable[[list[str]], str]) -> None:
        super().__init__("\n".join(mistake.sentence(place_of(mistake.keys)) for mistake in mistakes))
        self.mistakes = mistakes


def describe_mistakes(error: ValidationError, known: Iterable[str]) -> list[Mistake]:
    """The mistakes in ``error``; ``known`` are the names that there are on the first level."""
    names = sorted(known)
    found: list[Mistake] = []
    for one in error.errors(include_url=False):
        location = tuple(part for part in one["loc"] if part != "[key]")
        cause = one.get("ctx", {}).get("error")
        if isinstance(cause, InvalidSettingsError):
            # A section within, which has described its mistakes itself.
            found += [replace(inner, location=(*location, *inner.location)) for inner in cause.mistakes]
        elif one["type"] == "extra_forbidden":
            reason = f"is not a setting; {suggest(str(location[-1]), names)}"
            found.append(Mistake(location, reason, is_predicate=True, is_unknown=True))
        elif one["type"] in ("model_type", "model_attributes_type"):
            name = ".".join(map(str, location))
            reason = f"is a section; write [{name}] and its keys below" if name else "should be a mapping of keys"
            found.append(Mistake(location, reason, is_predicate=True))
        else:
            found.append(Mistake(location, _reason(one["msg"]) + _alternative(one)))
    return found


def suggest(name: str, known: Sequence[str]) -> str:
    """A question after the known name that is most like this one; if none is, all of them."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.7)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(known)}"


def _reason(message: str) -> str:
    reason = message.removeprefix("Value error, ").replace("Input should", "should").replace("input", "it")
    return f"{reason[:1].lower()}{reason[1:]}"


def _alternative(mistake: object) -> str:
    """Of several permitted words the one that was probably meant."""
    if not isinstance(mistake, dict) or mistake["type"] != "literal_error" or not isinstance(mistake["input"], str):
        return ""
    words = re.findall("'([^']*)'", mistake["ctx"]["expected"])
    close = difflib.get_close_matches(mistake["input"], words, n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""
