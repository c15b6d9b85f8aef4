"""Where the server is, and how to speak to it: address, credentials, TLS, proxy."""

import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from tsmon.errors import SettingsError

__all__ = ["InfluxConnection"]


@dataclass(frozen=True, slots=True)
class InfluxConnection:
    """Address and credentials of one bucket; ``repr`` shows neither the token nor the proxy.

    ``ca_file`` replaces the system's certificate authorities, ``cert_file`` and ``key_file`` are the client's
    own certificate (PEM). ``token_file`` is read again when the server refuses the token. ``timeout_s`` bounds
    each request in seconds.
    """

    url: str = "http://localhost:8086"
    org: str = ""
    bucket: str = ""
    token: str = field(default="", repr=False)
    token_file: Path | None = None
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    proxy: str | None = field(default=None, repr=False)
    timeout_s: float = 30.0

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine, where compressing costs more than it saves."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def read_token(self) -> str:
        """The token, from its file where one is set; raises :class:`SettingsError` naming the place."""
        if self.token_file is None:
            place, text = "monitoring.token", self.token
        else:
            place = f"monitoring.token_file {self.token_file}"
            try:
                text = self.token_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(f"{place} cannot be read ({_reason(error)}); correct the path") from None
        token = text.strip()
        if not token.isprintable():
            raise SettingsError(f"{place} holds a line break or control character; give the bare token")
        return token

    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS as configured; None for plain HTTP. Raises :class:`SettingsError` naming the file at fault."""
        if not self.url.startswith("https:"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise SettingsError(
                f"monitoring.ca_file {self.ca_file} is not a readable PEM file ({_reason(error)}); correct it"
            ) from None
        if self.cert_file is not None:
            try:
                # Without a password OpenSSL would ask for one on the terminal.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
            except OSError as error:
                raise SettingsError(
                    f"monitoring.cert_file {self.cert_file} and key_file {self.key_file or '(in it)'} are not "
                    f"a certificate with its key ({_reason(error)}); correct them"
                ) from None
        return context


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
