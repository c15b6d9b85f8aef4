"""What InfluxDB says about points that it refused: how many, which lines, which field had another type before.

Only InfluxDB's own answers count as refusals. A gateway, a proxy or a login page in front of it answers 400 and
422, too, often in JSON, and no point may be dropped for that. These answers are known:

* InfluxDB 2.x: ``{"code": …, "message": …}`` with its code for the status. With 422 the other points are stored; it
  names one of several type conflicts; of points beyond the retention it reports only the number.
* InfluxDB 3, Core and Enterprise: ``{"error": …, "data": …}`` with the refused lines; recent versions answer
  500 without them at ``/api/v2/write``. A list means that the other lines are stored, a single line that none is.
* InfluxDB Cloud, Clustered and QuestDB: as 2.x, with the numbers of lines in the message or in ``line``.
* InfluxDB 1.8: ``{"error": …}`` with the words of 2.x.
* VictoriaMetrics: a text with the first line that it cannot parse; nothing is stored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from tsmon.errors import TypeConflict
from tsmon.line_protocol.parser import Unsigned

__all__ = ["Refusal", "count_refused", "decode_answer", "find_conflict", "parse_refusal"]

_TYPES: Final = {"float": float, "integer": int, "boolean": bool, "string": str, "unsigned": Unsigned}
"""Types of parsed values, by the server's names for them."""

_CODES: Final = {400: "invalid", 422: "unprocessable entity"}
"""InfluxDB's own code in answers about the data, by status."""

PARTIAL_WRITE_3: Final = "partial write of line protocol"
"""How InfluxDB 3 begins its message about a partial write."""

VICTORIAMETRICS: Final = b"cannot process influx line protocol data: "
"""How VictoriaMetrics begins its message about lines that it cannot parse."""

_dropped: Final = re.compile(r"dropped=(\d+)")
_conflict: Final = re.compile(
    rf'input field "(?P<field>.*)" on measurement "(?P<measurement>.*)" is type (?P<type>{"|".join(_TYPES)})\b'
)
_cut_off: Final = re.compile(
    r'\s*\{\s*"code"\s*:\s*"(?P<code>[a-z ]+)"\s*,\s*"message"\s*:\s*"(?P<message>.*)', re.DOTALL
)
_partial_write: Final = re.compile(r"(failure writing points to database: )?partial write: ")
_error_of_data: Final = re.compile(
    r"partial write\b|unable to parse\b|parsing failed for write_lp endpoint|line protocol parsing error"
)
_of_request: Final = re.compile(r"\b(orgID|org|organization|precision)\b|\bid must have\b")
_of_lines: Final = re.compile(r"pars|line|point|field|measurement|\btag")
_numbered: Final = re.compile(r"error (?:parsing|in) line (\d+)[^:\n]*: ([^\n]*)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal in InfluxDB's own words; the last three as in :class:`~tsmon.errors.StoreRefusedError`."""

    message: str
    lines: int | None = None
    conflict: TypeConflict | None = None
    line_reasons: Mapping[int, str] = field(default_factory=dict)


def parse_refusal(status: int, body: bytes) -> Refusal | None:
    """What the server says about the data; None if it says nothing about them, or if another program answered."""
    if status == 400 and body.startswith(VICTORIAMETRICS):
        return Refusal(body.decode(errors="replace"))
    answer = decode_answer(body)
    if answer is None and (cut := _cut_off.match(body.decode(errors="replace"))):
        answer = cut.groupdict()
    if not isinstance(answer, dict):
        return None
    code, message, error = answer.get("code"), answer.get("message"), answer.get("error")
    if status in _CODES and code is None and isinstance(error, str):
        return _parse_error(error, answer.get("data"))
    if not isinstance(message, str):
        return None
    if status == 500 and code == "internal error" and message.startswith(PARTIAL_WRITE_3):
        return Refusal(message)
    if code != _CODES.get(status, "") and (code is not None or not _partial_write.match(message)):
        return None
    if status == 422 or _partial_write.match(message):
        return _parse_partial_write(message)
    if _of_request.search(message) and not _of_lines.search(message):
        return None  # about the parameters, such as a missing organization
    return Refusal(message, line_reasons=_parse_numbered(message, answer.get("line")))


def decode_answer(body: bytes) -> Any:
    """The decoded JSON; None if it is none, or nested too deep."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def count_refused(message: str) -> int:
    """Number of refused points; 1 if the server does not report it."""
    match = _dropped.search(message)
    return int(match[1]) if match else 1


def find_conflict(message: str) -> TypeConflict | None:
    """The type conflict that the message names; None if it names none."""
    match = _conflict.search(message)
    return TypeConflict(match["measurement"], match["field"], _TYPES[match["type"]]) if match else None


def _parse_partial_write(message: str) -> Refusal:
    return Refusal(message, count_refused(message), find_conflict(message))


def _parse_error(error: str, data: Any) -> Refusal | None:
    """A refusal by InfluxDB 3, which names lines in ``data``, or by 1.8, which does not."""
    if not _error_of_data.match(error):
        return None
    if error.startswith(PARTIAL_WRITE_3) and isinstance(data, list):
        reasons = _parse_line_errors(data)
        message = f"{error}: {next(iter(reasons.values()))}" if reasons else error
        return Refusal(message, len(reasons) or None, line_reasons=reasons)
    if isinstance(data, dict):
        reasons = _parse_line_errors([data])
        return Refusal(": ".join([error, *reasons.values()]), line_reasons=reasons)
    # 1.8 reports no number of lines that it could not parse: it says dropped=0.
    return _parse_partial_write(error) if _partial_write.match(error) and count_refused(error) else Refusal(error)


def _parse_line_errors(items: list[Any]) -> dict[int, str]:
    """Reasons by line; nothing if any item is not understood, since the list would not be exact then."""
    reasons: dict[int, str] = {}
    for item in items:
        number = item.get("line_number") if isinstance(item, dict) else None
        if type(number) is not int or number < 1:
            return {}
        reasons[number - 1] = str(item.get("error_message") or "no reason given")
    return reasons


def _parse_numbered(message: str, line: Any) -> dict[int, str]:
    """Reasons by line, from a message with numbers of lines, or of the one line that the answer names."""
    found = {int(match[1]) - 1: match[2].strip() for match in _numbered.finditer(message) if int(match[1])}
    if not found and type(line) is int and line >= 1:
        found = {line - 1: message}
    return found
