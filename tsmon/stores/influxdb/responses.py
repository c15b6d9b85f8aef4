"""What InfluxDB's responses mean.

204: stored. 400: not parsed, nothing is stored. 401 and 403: may succeed after the token is changed. 404: the
bucket or organization may still be created. 413: too large. 422: some points were refused, the others stored. 429
and 503 may carry Retry-After. Other 5xx: try again.

Only 413 and refusals in InfluxDB's own words are about the data; see :mod:`tsmon.stores.influxdb.refusals`. A web
server that wants TLS, a gateway, a proxy or a login page sends 400 and 422, too, and no points may be dropped for
that.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import msgspec

from tsmon.errors import BatchTooLargeError, StoreError, StoreRefusedError, StoreUnavailableError
from tsmon.stores.influxdb.refusals import parse_refusal

__all__ = ["error_for", "parse_message", "parse_retry_after"]

MESSAGE_CHARACTERS: Final = 300
LONGEST_RETRY_AFTER_S: Final = 3_600.0


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
    text = f"{where} {_reason(status, parse_message(body), body.lstrip().startswith(b'{'))}"
    return StoreUnavailableError(text, retry_after_s=parse_retry_after(retry_after))


def _reason(status: int, message: str, is_json: bool) -> str:
    if status == 401:
        return "does not accept the token (401); correct monitoring.token or token_file"
    if status == 403:
        return f"does not permit this with the token (403: {message}); set monitoring.token to one that may"
    if status == 404 and is_json and "organization" in message:
        return f"does not know the organization (404: {message}); correct monitoring.organization"
    if status == 404 and is_json:
        return f"does not know the bucket (404: {message}); create it or correct monitoring.bucket"
    if status == 429 or status >= 500:
        return f"is busy or failing ({status}): {message or 'no reason given'}"
    if 300 <= status < 400:
        return f"redirects elsewhere ({status}); correct monitoring.url"
    return f"answered {status}: {message or 'nothing'}; is it InfluxDB 2.x, and is monitoring.url right?"


def parse_message(body: bytes) -> str:
    """The server's own words on one line, cut to a length that fits a log."""
    try:
        decoded = msgspec.json.decode(body)
        text = decoded.get("message") if isinstance(decoded, dict) else None
    except msgspec.DecodeError:
        text = None
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
