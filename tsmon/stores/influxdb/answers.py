"""What InfluxDB's answers to a write mean.

204: stored. 400: not parsed, nothing is stored. 401 and 403: may heal when the token is changed. 404: the bucket or
organization may yet be made. 413: too large. 422: some points refused, the others stored; the number that the
server names is what there is to know. 429 and 503 may carry Retry-After. Other 5xx: try again.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from tsmon.errors import BatchTooLargeError, StoreError, StoreRefusedError, StoreUnavailableError

__all__ = ["error_of", "retry_after_s"]

SHOWN: Final = 300

_dropped: Final = re.compile(r"dropped=(\d+)")


def error_of(status: int, body: bytes, retry_after: str | None, *, where: str) -> StoreError:
    """The error to raise for an answer that is no success; ``where`` names the address, org and bucket."""
    message = message_of(body)
    if status == 413:
        return BatchTooLargeError(f"{where} takes no request of this size (413)")
    if status == 422:
        match = _dropped.search(message)
        count = int(match[1]) if match else 1
        return StoreRefusedError(f"{where} refused points (422): {message}", status=status, lines=count)
    if status in (401, 403):
        text = f"{where} refused the token ({status}); set monitoring.token to one that may write to this bucket"
    elif status == 404:
        text = f"{where} does not know the organization or bucket (404: {message}); create it or correct its name"
    elif status == 400:
        return StoreRefusedError(f"{where} could not parse the data (400): {message}", status=status)
    elif status == 429 or status >= 500:
        text = f"{where} is busy or failing ({status}): {message or 'no reason given'}"
    else:
        return StoreRefusedError(f"{where} answered {status}: {message}; is it InfluxDB 2.x?", status=status)
    return StoreUnavailableError(text, retry_after_s=retry_after_s(retry_after))


def message_of(body: bytes) -> str:
    """The server's own words, on one line and cut."""
    try:
        decoded = msgspec.json.decode(body)
        text = decoded.get("message") if isinstance(decoded, dict) else None
    except msgspec.DecodeError:
        text = None
    words = " ".join((text if isinstance(text, str) else body.decode(errors="replace")).split())
    return words if len(words) <= SHOWN else words[:SHOWN] + "…"


def retry_after_s(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, given as seconds or as an HTTP date (RFC 9110, 10.2.3); else None."""
    if header is None:
        return None
    if header.strip().isdigit():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return max((moment - (now or datetime.now(UTC))).total_seconds(), 0.0)
