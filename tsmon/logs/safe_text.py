"""Text from outside, made safe to print on a terminal or in a log."""

import codecs
import re
from typing import Final

__all__ = ["escape_unprintable", "escape_unprintable_lines", "has_control_characters"]

_escaped: Final = codecs.getencoder("unicode_escape")
# Looked up at import: that opens files, and a process that has run out of descriptors still has to log it.

_SPACES: Final = (
    "\x20\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
)
"""Unicode's space separators (category Zs); the module that knows them is large."""

_control: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def escape_unprintable(text: str) -> str:
    r"""The text with every invisible character written as an escape (``\x9b``, ``\u202e``, ``\n``).

    The result cannot control a terminal, start a new line or change the direction of writing. Backslashes and
    all kinds of spaces stay as they are. :meth:`str.isprintable` decides what is printable.
    """
    if text.isprintable():
        return text
    return "".join(one if one.isprintable() or one in _SPACES else _escape(one) for one in text)


def escape_unprintable_lines(text: str) -> str:
    """Apply :func:`escape_unprintable` to each line; the line feeds between them stay."""
    return "\n".join(map(escape_unprintable, text.split("\n")))


def has_control_characters(text: str) -> bool:
    """Whether the text contains a control character: C0, DEL or C1.

    Line separators and changes of direction are included.
    """
    return _control.search(text) is not None


def _escape(character: str) -> str:
    return _escaped(character)[0].decode()
