"""The process' default encoding: what :func:`encode` uses, and whose service name Monitors fall back on."""

import weakref

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.encoding import Encodable, Encoding
from tsmon.line_protocol.escaping import check_tag_value

__all__ = ["configure", "encode", "following"]

_default = Encoding()
_followers: "weakref.WeakSet[Encoding]" = weakref.WeakSet()


def configure(*, service: str) -> None:
    """Set the service name of this process: the ``service`` tag of points that do not name one themselves.

    A Monitor made with ``service=…`` keeps its own.
    """
    if not service:
        raise InvalidPointError("the service name is empty; give it a name")
    check_tag_value("service", service)
    for encoding in (_default, *_followers):
        encoding.service = service


def encode(point: Encodable) -> bytes:
    """Line of ``point`` in UTF-8, without a newline, in the process' default context.

    Raises :class:`~tsmon.errors.InvalidPointError` where the point cannot be stored. A point without a time
    gets one, unique within the process, at each call.
    """
    return _default.encode(point).encode()


def following(encoding: Encoding) -> Encoding:
    """Let ``encoding`` take the configured service name, now and whenever it changes."""
    encoding.service = _default.service
    _followers.add(encoding)
    return encoding
