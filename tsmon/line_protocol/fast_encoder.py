"""The fast encoder of a point class: source code generated from its declaration, and compiled.

A fast encoder handles ordinary points only: values of exactly the declared types, finite, in range, and additional
tags of str and int. It passes all others to the checked encoder (:mod:`tsmon.line_protocol.checked_encoder`), which
accepts them or explains why not, so the fast path needs no error handling. The text of measurement and tags repeats
from point to point; it comes from a bounded cache. Cached tags were checked in full, so the fast path checks only
the types of tags that a dict cannot tell apart.
"""

from collections.abc import Callable
from typing import Any, Final

from tsmon.line_protocol.declaration import Column, Declaration
from tsmon.line_protocol.escaping import escape_field_key, escape_string
from tsmon.line_protocol.times import MAX_TIME_NS, MIN_PLAIN_TIME_NS, to_point_time_ns
from tsmon.line_protocol.values import MAX_INT64, MIN_INT64, encode_float

__all__ = ["EncoderFactory", "compile_encoder"]

EncoderFactory = Callable[..., Callable[[Any], str]]
"""``factory(checked_encoder, clock)`` returns the encoder of one context."""

SAFE_LENGTH: Final = 262_144
"""A line shorter than this, in characters, has no string field above the server's limit of 1 MiB."""

CACHED_TYPES: Final = frozenset({str, int, type(None)})
"""Types of additional tags whose head is cached; not all, because 1, 1.0 and True are the same key of a dict."""

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
    float: "{{encode_float({0}).decode()}}",
    bool: '{{"true" if {0} else "false"}}',
}


def compile_encoder(declaration: Declaration, *, time_text: str | None = None) -> EncoderFactory | None:
    """Compile the factory of the fast encoder; None if the class has no field, a float tag or a service field.

    ``time_text`` names an attribute that holds the time as the text of a line, for classes whose points all have
    one. (Float tags need the checked encoder: 0.0 and -0.0 are the same key of a dict, but two tag values. So does
    the service as a field, because its default may change.)
    """
    tags = [c for c in declaration.columns if c.tag]
    fields = [c for c in declaration.columns if c.field]
    if not fields or any(c.type is float for c in tags) or any(c.service for c in fields):
        return None
    names = {c.attribute: f"v{i}" for i, c in enumerate(declaration.columns)}
    checked = [c for c in declaration.columns if c.field or c.type is not str]
    lines = [
        "def factory(checked, clock):",
        "  heads, tagged_heads, cache_head = checked.heads, checked.tagged_heads, checked.cache_head",
        "  encode_checked = checked.encode",
        "  def encode(point):",
        *(f"    {names[c.attribute]} = point.{c.attribute}" for c in checked),
    ]
    if checked:
        conditions = " and ".join(_condition_source(c, names[c.attribute]) for c in checked)
        lines += [f"    if not ({conditions}):", "      return encode_checked(point)"]
    keys = [names[c.attribute] if c in checked else f"point.{c.attribute}" for c in tags]
    lines += [
        "    tags = point.tags",
        "    try:",
        "      if tags is None:",
        f"        head = heads{''.join(f'[{key}]' for key in keys) or '[None]'}",
        "      elif type(tags) is dict and cached_types(map(type, tags.values())):",
        f"        head = tagged_heads[{''.join(f'{key}, ' for key in keys)}tuple(tags.items())]",
        "      else:",
        "        return encode_checked(point)",
        "    except (KeyError, TypeError):",
        "      head = cache_head(point)",
        "    if point.fields is not None:",
        "      return encode_checked(point, head)",
    ]
    for c in fields:
        if c.type is str:
            v = names[c.attribute]
            present = f"{v} is not None and " if c.optional else ""
            lines += [
                f"    if {present}('\"' in {v} or '\\\\' in {v}):",
                f"      {v} = escape({v})",
            ]
    lines += _body_source(fields, names, time_text)
    if any(c.type is str for c in fields):
        lines += [
            f"    if len(line) < {SAFE_LENGTH} and (line.isascii() or has_utf8(line)):",
            "      return line",
            "    return encode_checked(point)",
        ]
    else:
        lines += ["    return line"]
    lines += ["  return encode"]
    namespace: dict[str, Any] = {
        "cached_types": CACHED_TYPES.issuperset,
        "to_point_time_ns": to_point_time_ns,
        "has_utf8": _has_utf8,
        "escape": escape_string,
        "encode_float": encode_float,
    }
    exec(compile("\n".join(lines), f"<encoder of {declaration.class_name}>", "exec"), namespace)  # noqa: S102
    factory: EncoderFactory = namespace["factory"]
    return factory


def _condition_source(column: Column, name: str) -> str:
    plain = (_PLAIN_TYPE if column.field else _PLAIN_TAG_TYPE)[column.type].format(name)
    return f"({name} is None or {plain})" if column.optional else f"{plain}"


def _body_source(fields: list[Column], names: dict[str, str], time_text: str | None) -> list[str]:
    """Source of the statements that set ``line`` to head, fields and time."""
    required = [c for c in fields if not c.optional]
    optional = [c for c in fields if c.optional]
    text = ",".join(_pair_source(c, names) for c in required)
    extra = "".join(f"{{{names[c.attribute]}_text}}" for c in optional)
    lines = [
        f"    {names[c.attribute]}_text = f',{_pair_source(c, names)}' if {names[c.attribute]} is not None else ''"
        for c in optional
    ]
    set_time = (
        [f"    time_ns = point.{time_text}"]
        if time_text
        else [
            "    time_ns = point.time",
            "    if time_ns is None:",
            "      try:",
            "        time_ns = next(clock.ticks)",
            "      except (ValueError, StopIteration):",
            "        time_ns = clock.text()",
            f"    elif type(time_ns) is not int or not {MIN_PLAIN_TIME_NS} <= time_ns <= {MAX_TIME_NS}:",
            "      time_ns = to_point_time_ns(time_ns)",
        ]
    )
    if required:
        return [*lines, *set_time, f"    line = f'{{head}}{text}{extra} {{time_ns}}'"]
    return [
        *lines,
        f"    text = f'{extra}'",
        "    if not text:",
        "      return encode_checked(point)",
        *set_time,
        "    line = f'{head}{text[1:]} {time_ns}'",
    ]


def _pair_source(column: Column, names: dict[str, str]) -> str:
    return f"{_quote_key(column.key)}={_TEXT[column.type].format(names[column.attribute])}"


def _quote_key(key: str) -> str:
    """Return a field key, escaped, as the source of an f-string between single quotes has it."""
    text = escape_field_key(key).replace("\\", "\\\\").replace("'", "\\'")
    return text.replace("{", "{{").replace("}", "}}")


def _has_utf8(line: str) -> bool:
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True
