"""Source of the fast encoder of one point class.

The function handles ordinary points only: values of exactly the declared types, finite, in range, additional
tags of str and int. For everything else it calls the careful encoder (:mod:`tsmon.line_protocol.checked_encoder`),
which accepts or refuses with a reason; so the fast path has no error handling. The text of measurement and tags
is looked up in a bounded cache, since it repeats from point to point. What stands there was checked in full, so
that of the tags only those types are checked here that a dict cannot tell apart.
"""

from collections.abc import Callable
from typing import Any, Final

from tsmon.line_protocol.declaration import Column, Declaration
from tsmon.line_protocol.escaping import escape_field_key, escape_string
from tsmon.line_protocol.values import MAX_INT64, MAX_TIME_NS, MIN_INT64, float_json, time_ns_of

__all__ = ["Factory", "generate"]

Factory = Callable[..., Callable[[Any], str]]
"""``factory(careful, clock)`` gives the encoder of one context."""

SAFE_LENGTH: Final = 262_144
"""Lines shorter than this, in characters, hold no string field above the server's limit of 1 MiB."""

CACHED_TYPES: Final = frozenset({str, int, type(None)})
"""Types of additional tags whose head is cached; 1, 1.0 and True are one key of a dict, hence not all."""

_PLAIN_TYPE: Final = {
    str: "type({0}) is str",
    int: f"type({{0}}) is int and {MIN_INT64} <= {{0}} <= {MAX_INT64}",
    float: "type({0}) is float and {0} - {0} == 0.0",
    bool: "({0} is True or {0} is False)",
}

_PLAIN_TAG_TYPE: Final = {int: "type({0}) is int", bool: _PLAIN_TYPE[bool]}

_TEXT: Final = {
    str: '"{{{0}}}"',
    int: "{{{0}}}i",
    float: "{{float_json({0}).decode()}}",
    bool: '{{"true" if {0} else "false"}}',
}


def generate(declaration: Declaration, *, time_text: str | None = None) -> Factory | None:
    """Compile the fast encoder's factory, or None where the class has no column, a float tag or a service field.

    ``time_text`` names an attribute that holds the time as a line does, for classes of which every point has one.
    (Float tags stay on the careful path: 0.0 and -0.0 are one key of a dict, but two tag values. So does the
    service as a field, whose default may change.)
    """
    tags = [c for c in declaration.columns if c.tag]
    fields = [c for c in declaration.columns if c.field]
    if not fields or any(c.type is float for c in tags) or any(c.service for c in fields):
        return None
    names = {c.attribute: f"v{i}" for i, c in enumerate(declaration.columns)}
    checked = [c for c in declaration.columns if c.field or c.type is not str]
    lines = [
        "def factory(careful, clock):",
        "  heads, tagged_heads, new_head = careful.heads, careful.tagged_heads, careful.new_head",
        "  careful = careful.encode",
        "  def encode(point):",
        *(f"    {names[c.attribute]} = point.{c.attribute}" for c in checked),
    ]
    if checked:
        conditions = " and ".join(_condition(c, names[c.attribute]) for c in checked)
        lines += [f"    if not ({conditions}):", "      return careful(point)"]
    keys = [names[c.attribute] if c in checked else f"point.{c.attribute}" for c in tags]
    lines += [
        "    tags = point.tags",
        "    try:",
        "      if tags is None:",
        f"        head = heads{''.join(f'[{key}]' for key in keys) or '[None]'}",
        "      elif type(tags) is dict and cached_types(map(type, tags.values())):",
        f"        head = tagged_heads[{''.join(f'{key}, ' for key in keys)}tuple(tags.items())]",
        "      else:",
        "        return careful(point)",
        "    except (KeyError, TypeError):",
        "      head = new_head(point)",
        "    if point.fields is not None:",
        "      return careful(point, head)",
    ]
    for c in fields:
        if c.type is str:
            v = names[c.attribute]
            present = f"{v} is not None and " if c.optional else ""
            lines += [
                f"    if {present}('\"' in {v} or '\\\\' in {v}):",
                f"      {v} = escape({v})",
            ]
    lines += _body(fields, names, time_text)
    if any(c.type is str for c in fields):
        lines += [
            f"    if len(line) < {SAFE_LENGTH} and (line.isascii() or encodable(line)):",
            "      return line",
            "    return careful(point)",
        ]
    else:
        lines += ["    return line"]
    lines += ["  return encode"]
    namespace: dict[str, Any] = {
        "cached_types": CACHED_TYPES.issuperset,
        "convert_time": time_ns_of,
        "encodable": _encodable,
        "escape": escape_string,
        "float_json": float_json,
    }
    exec(compile("\n".join(lines), f"<encoder of {declaration.class_name}>", "exec"), namespace)  # noqa: S102
    factory: Factory = namespace["factory"]
    return factory


def _condition(column: Column, name: str) -> str:
    plain = (_PLAIN_TYPE if column.field else _PLAIN_TAG_TYPE)[column.type].format(name)
    return f"({name} is None or {plain})" if column.optional else f"{plain}"


def _body(fields: list[Column], names: dict[str, str], time_text: str | None) -> list[str]:
    """Statements that set ``line``: head, fields and time joined."""
    required = [c for c in fields if not c.optional]
    optional = [c for c in fields if c.optional]
    text = ",".join(_pair(c, names) for c in required)
    extra = "".join(f"{{{names[c.attribute]}_text}}" for c in optional)
    lines = [
        f"    {names[c.attribute]}_text = f',{_pair(c, names)}' if {names[c.attribute]} is not None else ''"
        for c in optional
    ]
    taken = (
        [f"    taken = point.{time_text}"]
        if time_text
        else [
            "    taken = point.time",
            "    if taken is None:",
            "      try:",
            "        taken = next(clock.ticks)",
            "      except (ValueError, StopIteration):",
            "        taken = clock.text()",
            f"    elif type(taken) is not int or not {-MAX_TIME_NS} <= taken <= {MAX_TIME_NS}:",
            "      taken = convert_time(taken)",
        ]
    )
    if required:
        return [*lines, *taken, f"    line = f'{{head}}{text}{extra} {{taken}}'"]
    return [
        *lines,
        f"    text = f'{extra}'",
        "    if not text:",
        "      return careful(point)",
        *taken,
        "    line = f'{head}{text[1:]} {taken}'",
    ]


def _pair(column: Column, names: dict[str, str]) -> str:
    return f"{_literal(column.key)}={_TEXT[column.type].format(names[column.attribute])}"


def _literal(key: str) -> str:
    """Escaped field key as it stands in the source of an f-string between single quotes."""
    text = escape_field_key(key).replace("\\", "\\\\").replace("'", "\\'")
    return text.replace("{", "{{").replace("}", "}}")


def _encodable(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
