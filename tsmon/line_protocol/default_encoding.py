"""The default encoding of the process, used by :func:`encode`, and the service name that Monitors fall back on."""

import weakref

from tsmon.errors import InvalidPointError
from tsmon.line_protocol.encoding import Encodable, Encoding
from tsmon.line_protocol.escaping import check_tag_value

__all__ = ["configure", "encode", "follow_configured_service"]

_default = Encoding()
_followers: "weakref.WeakSet[Encoding]" = weakref.WeakSet()


def configure(*, service: str) -> None:
    """Set the service name of this process: the ``service`` tag of points that do not name one themselves.

    A Monitor created with ``service=…`` keeps its own.
    """
    if not service:
        raise InvalidPointError("the service name is empty; give it a name")
    check_tag_value("service", service)
    for encoding in (_default, *_followers):
        encoding.service = service


def encode(point: Encodable) -> bytes:
    """Return the line of ``point`` in UTF-8, without a newline, in the default encoding of the process.

    Raises :class:`~tsmon.errors.InvalidPointError` if the point cannot be stored. A point without a time gets a new
    one at each call, unique within the process.
    """
    return _default.encode(point).encode()


def follow_configured_service(encoding: Encoding) -> Encoding:
    """Give ``encoding`` the configured service name, now and whenever it changes; return ``encoding``."""
    encoding.service = _default.service
    _followers.add(encoding)
    return encoding
