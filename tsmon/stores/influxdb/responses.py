"""What InfluxDB's responses mean.

204: stored. 400: not parsed, nothing is stored. 401 and 403: may succeed after the token is changed. 404: the
bucket or organization may still be created. 413: too large. 422: some points were refused, the others stored. 429
and 503 may carry Retry-After. Other 5xx: try again.

Only 413 and refusals in InfluxDB's own words are about the data; see :mod:`tsmon.stores.influxdb.refusals`. A web
server that wants TLS, a gateway, a proxy or a login page sends 400 and 422, too, and no points may be dropped for
that.
"""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from tsmon.errors import BatchTooLargeError, StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores.influxdb.refusals import decode_answer, parse_refusal

__all__ = ["error_for", "is_acknowledgement", "is_own_answer", "parse_message", "parse_retry_after"]

MESSAGE_CHARACTERS: Final = 300
LONGEST_RETRY_AFTER_S: Final = 3_600.0

_hidden_bucket: Final = re.compile(r'could not find bucket "(.*)"')
"""What a query reports of a bucket that is missing, or that the token may not read."""

CODES: Final = frozenset(
    {
        "conflict",
        "empty value",
        "forbidden",
        "internal error",
        "invalid",
        "method not allowed",
        "not found",
        "not implemented",
        "request too large",
        "too many requests",
        "unauthorized",
        "unavailable",
        "unprocessable entity",
    }
)
"""The codes in InfluxDB's answers."""


def error_for(status: int, body: bytes, retry_after: str | None, *, where: str) -> StoreError:
    """The error to raise for a response that is not a success; ``where`` names address, organization and bucket."""
    if status == 413:
        return BatchTooLargeError(f"{where} takes no request of this size (413)")
    refusal = parse_refusal(status, body)
    if refusal is not None:
        words = _cut(refusal.message)
        verb = "refused points" if status != 400 or refusal.lines is not None else "could not parse the data"
        return StoreRefusedError(
            f"{where} {verb} ({status}): {words}",
            status=status,
            lines=refusal.lines,
            conflict=refusal.conflict,
            line_reasons={
                line: f"{where} refused the line ({status}): {_cut(reason)}"
                for line, reason in refusal.line_reasons.items()
            },
        )
    text = f"{where} {_reason(status, parse_message(body), is_own_answer(body))}"
    return StoreUnavailableError(text, retry_after_s=parse_retry_after(retry_after))


def _reason(status: int, message: str, is_own: bool) -> str:
    if status == 401:
        return "does not accept the token (401); correct monitoring.token or token_file"
    if status == 403:
        return f"does not permit this with the token (403: {message}); set monitoring.token to one that may"
    if status == 404 and is_own and "organization" in message:
        return f"does not know the organization (404: {message}); correct monitoring.organization"
    hidden = _hidden_bucket.search(message) if is_own else None
    if status == 404 and hidden:
        return (
            f"does not know the bucket {hidden[1]!r}, or the token may not read it (404); set monitoring.token to "
            "one that may read it, or create it; `tsmon-agent setup` creates those of rollups"
        )
    if status == 404 and (is_own or "database not found" in message):
        return f"does not know the bucket (404: {message}); create it or correct monitoring.bucket"
    if status == 400 and is_own and "org" in message:
        return f"wants an organization (400: {message}); set monitoring.organization"
    if status == 429 or status >= 500:
        return f"is busy or failing ({status}): {message or 'no reason given'}"
    if 300 <= status < 400:
        return f"redirects elsewhere ({status}); correct monitoring.url"
    return f"answered {status}: {message or 'nothing'}; is it InfluxDB 2.x, and is monitoring.url right?"


def is_own_answer(body: bytes) -> bool:
    """Whether an answer is in InfluxDB's own form, ``{"code": …, "message": …}``, and so not a gateway's."""
    decoded = decode_answer(body)
    if not isinstance(decoded, dict):
        return False
    code, message = decoded.get("code"), decoded.get("message")
    return isinstance(code, str) and code in CODES and isinstance(message, str)


def is_acknowledgement(status: int, body: bytes) -> bool:
    """Whether the answer to a write says that all is stored: 204, or another success that says nothing else.

    A login page and an error in JSON can be sent with 200, too.
    """
    if status == 204:
        return True
    if not 200 <= status < 300:
        return False
    words = body.strip().lower()
    if words in (b"", b"ok", b'"ok"', b"null", b"{}"):
        return True
    decoded = decode_answer(body)
    return isinstance(decoded, dict) and decoded.keys() == {"status"} and decoded["status"] in ("ok", "success")


def parse_message(body: bytes) -> str:
    """The server's own words on one line, cut to a length that fits a log."""
    decoded = decode_answer(body)
    text = decoded.get("message") if isinstance(decoded, dict) else None
    return _cut(text if isinstance(text, str) else body.decode(errors="replace"))


def _cut(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= MESSAGE_CHARACTERS else words[:MESSAGE_CHARACTERS] + "…"


def parse_retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or an HTTP date (RFC 9110, 10.2.3); else None.

    More than an hour counts as an hour.
    """
    if header is None:
        return None
    header = header.strip()
    if header.isascii() and header.isdigit():
        return min(float(header), LONGEST_RETRY_AFTER_S)
    try:
        moment = parsedate_to_datetime(header)
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - (now or datetime.now(UTC))).total_seconds()
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_S)
