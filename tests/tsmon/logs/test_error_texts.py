"""Exceptions of Python and of libraries, in words for people."""

import socket
import ssl
import urllib.error

import pytest

from tsmon.errors import SettingsError
from tsmon.logs.error_texts import describe_error


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (SettingsError("monitoring.url is wrong; correct it"), "monitoring.url is wrong; correct it"),
        (PermissionError(13, "Permission denied", "/var/lib/x"), "Permission denied: /var/lib/x"),
        (
            OSError(18, "Invalid cross-device link", "/a", None, b"/\xff"),
            "Invalid cross-device link: /a and /\\xff",
        ),
        (OSError("all attempts failed"), "all attempts failed"),
        (OSError(), "the system gave no reason"),
        (TimeoutError(), "it took too long"),
        (socket.gaierror(-2, "Name or service not known"), "Name or service not known"),
        (urllib.error.URLError(ConnectionRefusedError(111, "Connection refused")), "Connection refused"),
        (
            UnicodeDecodeError("utf-8", b"ab\xff", 2, 3, "invalid start byte"),
            "byte 0xff at position 3 is not UTF-8",
        ),
        (UnicodeEncodeError("latin-1", "\u2026", 0, 1, "ordinal"), "LATIN-1 has no '\\u2026'"),
        (ModuleNotFoundError("No module named 'pyarrow'", name="pyarrow"), "the module pyarrow is not installed"),
        (MemoryError(), "there is not enough memory"),
        (RecursionError("maximum recursion depth exceeded"), "it is nested too deeply"),
        (KeyError("site"), "KeyError: 'site'"),
        (ZeroDivisionError(), "ZeroDivisionError"),
        (ValueError("two\n  lines"), "ValueError: two lines"),
    ],
)
def test_errors_in_words(error: BaseException, text: str) -> None:
    assert describe_error(error) == text


def test_openssl_gives_its_reason_without_the_line_of_its_source() -> None:
    with pytest.raises(ssl.SSLError) as caught:
        ssl.create_default_context(cadata="-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    assert "_ssl.c" in str(caught.value)
    assert "_ssl.c" not in describe_error(caught.value)
    assert describe_error(caught.value) == "no start line: cadata does not contain a certificate"
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:1)")
    assert describe_error(error).endswith("certificate verify failed")


def test_a_file_that_is_named_already_is_not_repeated() -> None:
    error = PermissionError(13, "Permission denied", "/var/lib/x")
    assert describe_error(error, names_file=False) == "Permission denied"
