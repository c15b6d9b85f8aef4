from datetime import UTC, datetime

import pytest

from tsmon.errors import BatchTooLargeError, StoreRefusedError, StoreUnavailableError
from tsmon.stores.influxdb.responses import error_for, parse_message, parse_retry_after

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("0", 0.0),
        ("7", 7.0),
        (" 120 ", 120.0),
        ("9999999", 3_600.0),
        ("9" * 400, 3_600.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("Fri, 02 Jan 2026 05:04:35 +0200", 30.0),
        ("Fri, 02 Jan 2026 03:00:00 GMT", 0.0),
        ("Fri, 02 Jan 2099 03:00:00 GMT", 3_600.0),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("soon", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_date(header: str | None, seconds: float | None) -> None:
    assert parse_retry_after(header, NOW) == seconds


def test_the_servers_words_come_on_one_line_and_cut() -> None:
    assert parse_message(b'{"code":"invalid","message":"a\\n  b"}') == "a b"
    assert parse_message(b"<html>\n<h1>No</h1>") == "<html> <h1>No</h1>"
    assert parse_message(b"[1]") == "[1]"
    assert parse_message(b"\xff\xfe") == "\ufffd\ufffd"
    assert len(parse_message(b"x" * 1_000)) == 301


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"code":"invalid","message":"unable to parse"}', StoreRefusedError),
        (400, b'{"code":"invalid","message":"cut off here', StoreRefusedError),
        (400, b"<html>", StoreUnavailableError),
        (400, b'{"code":["invalid"],"message":"x"}', StoreUnavailableError),
        (400, b'{"code":"invalid","message":"Please provide either orgID or org"}', StoreUnavailableError),
        (400, b'{"code":"invalid","message":"id must have a length of 16 bytes"}', StoreUnavailableError),
        (
            400,
            b'{"code":"invalid","message":"invalid precision; valid precision units are ns"}',
            StoreUnavailableError,
        ),
        (
            400,
            b'{"code":"invalid","message":"unable to parse \'org,bucket= v\': missing tag value"}',
            StoreRefusedError,
        ),
        (400, b"[" * 100_000, StoreUnavailableError),
        (404, b'{"code":{},"message":"x"}', StoreUnavailableError),
        (404, b'{"code":' * 100_000, StoreUnavailableError),
        (401, b"{}", StoreUnavailableError),
        (403, b"{}", StoreUnavailableError),
        (404, b"{}", StoreUnavailableError),
        (408, b"", StoreUnavailableError),
        (413, b"<html>", BatchTooLargeError),
        (422, b'{"code":"unprocessable entity","message":"x"}', StoreRefusedError),
        (422, b"<html>", StoreUnavailableError),
        (200, b"<html>", StoreUnavailableError),
        (301, b"", StoreUnavailableError),
        (429, b"", StoreUnavailableError),
        (500, b"", StoreUnavailableError),
        (502, b"<html>", StoreUnavailableError),
    ],
)
def test_points_are_given_up_only_for_answers_about_the_data(status: int, body: bytes, kind: type) -> None:
    assert type(error_for(status, body, None, where="here")) is kind


def test_the_number_of_refused_points_is_the_servers_however_long_its_message() -> None:
    body = b'{"message":"partial write: ' + b"x" * 1_000 + b' dropped=17"}'
    error = error_for(422, body, None, where="here")
    assert isinstance(error, StoreRefusedError)
    assert error.lines == 17


def test_retry_after_goes_with_the_error() -> None:
    error = error_for(503, b"", "7", where="here")
    assert isinstance(error, StoreUnavailableError)
    assert error.retry_after_s == 7.0
