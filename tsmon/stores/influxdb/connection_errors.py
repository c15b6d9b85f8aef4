"""Why a request got no response, in one sentence with the remedy."""

import errno
import os
import re
import ssl
from typing import Final

import aiohttp

from tsmon.errors import StoreUnavailableError
from tsmon.logs.error_texts import describe_error
from tsmon.stores.influxdb.connection import InfluxConnection

__all__ = ["unreachable_error"]

ENDED: Final = (errno.ECONNRESET, errno.ECONNABORTED, errno.EPIPE)
ADDRESS: Final = "is it running, and is monitoring.url right?"


def unreachable_error(error: Exception, connection: InfluxConnection) -> StoreUnavailableError:
    """The error to raise if ``error`` ended a request before its response."""
    reason, remedy = _explain(error, connection)
    return StoreUnavailableError(f"InfluxDB at {connection.url} cannot be reached: {reason}; {remedy}")


def _explain(error: Exception, connection: InfluxConnection) -> tuple[str, str]:
    if isinstance(error, aiohttp.ClientHttpProxyError):
        remedy = "correct monitoring.proxy" if error.status == 407 else "ask the administrator of the proxy"
        return f"the proxy answered {error.status} {error.message}", remedy
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return f"no connection to the proxy ({_words(error.os_error)})", "correct monitoring.proxy"
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return (
            f"its certificate is not trusted ({_words(error.certificate_error)})",
            "set monitoring.ca_file to the authority that signed it, and use the name in it as host",
        )
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return f"the host name is not known ({_words(error.os_error)})", "correct monitoring.url"
    if isinstance(error, aiohttp.InvalidURL | UnicodeError):  # a part of the name is empty or too long
        return "that is no address", "write it as http://host:8086"
    if isinstance(error, aiohttp.ClientPayloadError):
        return "its answer broke off", ADDRESS
    cause = error.os_error if isinstance(error, aiohttp.ClientConnectorError) else error
    for tls in (cause, error.__cause__):
        if isinstance(tls, ssl.SSLError):
            return _tls(tls, connection)
    if isinstance(error, TimeoutError):
        return f"no answer within {connection.timeout_s:g} s", "is it overloaded, or is monitoring.url wrong?"
    if connection.url.startswith("https:") and (
        isinstance(error, aiohttp.ServerDisconnectedError) or getattr(cause, "errno", None) in ENDED
    ):
        # If the server ends the handshake, its reason is often lost with the connection; since Python 3.12 the
        # error may be lost too, and the connection merely ends.
        return _words(cause), f"{ADDRESS} Or {_certificate(connection)}"
    return _words(cause), ADDRESS


def _tls(error: ssl.SSLError, connection: InfluxConnection) -> tuple[str, str]:
    name = error.reason or ""
    reason = f"TLS failed ({name.replace('_', ' ').lower() or _words(error)})"
    if "WRONG_VERSION_NUMBER" in name or "HTTP_REQUEST" in name:
        return reason, "does it speak plain http? Then write http:// in monitoring.url"
    return reason, _certificate(connection) if "CERTIFICATE" in name or "HANDSHAKE_FAILURE" in name else ADDRESS


def _certificate(connection: InfluxConnection) -> str:
    own = "another certificate in" if connection.cert_file else "the client's own certificate as"
    return f"it may want {own} monitoring.cert_file and key_file"


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    # asyncio repeats the address, or lists the outcome for each of several.
    if isinstance(error, OSError) and "Connect call failed" in str(error):
        numbers = {int(number) for number in re.findall(r"\[Errno (\d+)\]", str(error))}
        return ", ".join(os.strerror(number) for number in sorted(numbers))
    return describe_error(error, names_file=False)
