"""Text from outside, before it goes to a terminal or a log."""

import codecs
import re
import unicodedata
from typing import Final

__all__ = ["is_steering", "printable", "printable_lines"]

_escaped: Final = codecs.getencoder("unicode_escape")
# Found now: a process that may open no more files says so by this.

_steering: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def printable(text: str) -> str:
    r"""The text with everything that is not seen written as an escape (``\x9b``, ``\u202e``, ``\n``).

    So nothing in it commands a terminal, begins a line or turns the direction of writing; a backslash stays as it
    is, and so do all spaces. Printable is what :meth:`str.isprintable` says.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or unicodedata.category(one) == "Zs" else _escape(one) for one in text)


def printable_lines(text: str) -> str:
    """The same of each line by itself."""
    return "\n".join(map(printable, text.split("\n")))


def is_steering(text: str) -> bool:
    """Whether there is a control character in it (C0, DEL, C1), a separator of lines, or a change of direction."""
    return _steering.search(text) is not None


def _escape(character: str) -> str:
    return _escaped(character)[0].decode()
