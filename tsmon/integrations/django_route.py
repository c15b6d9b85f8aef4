"""Routes of Django as templates: regular expressions of ``re_path`` written as ``path`` would."""

import re
from functools import lru_cache
from typing import Final

__all__ = ["format_django_route"]

REGEX: Final = re.compile(r"[\^\\$]|\(\?")
"""What regular expressions have, and routes of ``path`` have not."""

TOKEN: Final = re.compile(
    r"""
    (?P<escaped>\\.)
  | (?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])
  | (?P<many>\.(?=[*+{]))
  | (?P<named>\(\?P<(?P<name>\w+)>)
  | (?P<plain>\(\?:)
  | (?P<other>\(\?[^)]*)
  | (?P<unnamed>\()
  | (?P<close>\))
  | (?P<quantifier>[*+?]|\{\d*,?\d*\})
  | (?P<anchor>[\^$])
    """,
    re.VERBOSE,
)

CLASSES: Final = "dDsSwW"
POSITIONS: Final = "AbBZ"
VARIABLE: Final = "<var>"
MAX_ROUTES: Final = 4_096


@lru_cache(maxsize=MAX_ROUTES)
def format_django_route(route: str) -> str:
    """Return ``/things/<number>/`` for ``^things/(?P<number>[0-9]+)/$``, and for what ``path`` has joined with it.

    Groups without a name, sets and classes of characters are ``<var>``. What is optional is a part of the template.
    """
    if REGEX.search(route):
        route = _simplify(route)
    return f"/{route.lstrip('/')}"


def _simplify(route: str) -> str:
    written: list[str] = []
    # For each open group: whether what is in it is written.
    open_groups: list[bool] = []
    end = 0
    for token in TOKEN.finditer(route):
        is_written = all(open_groups)
        if is_written:
            written.append(route[end : token.start()])
        end = token.end()
        kind, text = token.lastgroup, token[0]
        if kind == "name":
            kind = "named"
        if kind == "close":
            if open_groups:
                open_groups.pop()
            continue
        if kind in ("named", "plain", "other", "unnamed"):
            open_groups.append(kind == "plain")
        if is_written:
            written.append(_write(kind, text, token["name"]))
    if all(open_groups):
        written.append(route[end:])
    return "".join(written)


def _write(kind: str | None, text: str, name: str | None) -> str:
    """Return what stands for a token in a template."""
    if kind == "named":
        return f"<{name}>"
    if kind in ("set", "many", "unnamed") or (kind == "escaped" and text[1] in CLASSES):
        return VARIABLE
    return text[1] if kind == "escaped" and text[1] not in POSITIONS else ""
