"""How to reach a server: address, credentials, TLS, proxy."""

import ipaddress
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from tsmon.errors import SettingsError
from tsmon.logs.error_texts import describe_error

if TYPE_CHECKING:
    from tsmon.settings import MonitoringSettings

__all__ = ["InfluxConnection"]


@dataclass(frozen=True, slots=True)
class InfluxConnection:
    """Address and credentials of one bucket; ``repr`` shows neither the token nor the proxy.

    ``ca_file`` replaces the system's certificate authorities; ``cert_file`` and ``key_file`` are the client
    certificate (all PEM). ``token_file`` is read again after the server has refused the token. ``timeout_s`` limits
    each request, in seconds.
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

    def __post_init__(self) -> None:
        """Take the addresses of the server's API for the server's own."""
        object.__setattr__(self, "url", _server_url(self.url))

    @classmethod
    def from_settings(cls, settings: "MonitoringSettings") -> Self:
        """The connection that the section ``[monitoring]`` describes."""
        return cls(
            url=settings.address,
            org=settings.organization,
            bucket=settings.bucket,
            token=settings.token.get_secret_value(),
            token_file=settings.token_file,
            ca_file=settings.ca_file,
            cert_file=settings.cert_file,
            key_file=settings.key_file,
            proxy=settings.proxy.get_secret_value() if settings.proxy else None,
            timeout_s=settings.timeout,
        )

    @property
    def files(self) -> str:
        """The files of the credentials with their settings, else the system's certificates, for messages."""
        keys = ("token_file", "ca_file", "cert_file", "key_file")
        named = [f"monitoring.{key} {path}" for key in keys if (path := getattr(self, key)) is not None]
        return ", ".join(named) or "the system's certificates"

    @property
    def loopback(self) -> bool:
        """Whether the server is this machine, where compression costs more than it saves."""
        host = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def read_token(self) -> str:
        """The token, read from its file if one is set; raises :class:`SettingsError` naming the setting."""
        if self.token_file is None:
            place, text = "monitoring.token", self.token
        else:
            place = f"monitoring.token_file {self.token_file}"
            try:
                text = self.token_file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(
                    f"{place} cannot be read ({describe_error(error, names_file=False)}); correct the path"
                ) from None
        token = text.strip()
        if not token.isprintable():
            raise SettingsError(f"{place} contains a line break or control character; set the bare token")
        return token

    def ssl_context(self) -> ssl.SSLContext | None:
        """TLS as configured; None for plain HTTP. Raises :class:`SettingsError` naming the unusable file."""
        if not self.url.startswith("https:"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
        except OSError as error:
            raise SettingsError(
                f"monitoring.ca_file {self.ca_file} is not a readable PEM file "
                f"({describe_error(error, names_file=False)}); correct it"
            ) from None
        if self.ca_file is not None:
            # Python 3.13 made strictness the default, which certificates of many private authorities do not pass.
            context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        if self.cert_file is not None:
            try:
                # Without a password OpenSSL would ask for one on the terminal.
                context.load_cert_chain(self.cert_file, self.key_file, password="")
            except OSError as error:
                raise SettingsError(
                    f"monitoring.cert_file {self.cert_file} and key_file {self.key_file or '(in it)'} are not "
                    f"a certificate with its key ({describe_error(error, names_file=False)}); correct them"
                ) from None
        return context


def _server_url(url: str) -> str:
    """The address without a slash, ``/api/v2`` or ``/api/v2/write`` at its end, which many documents show."""
    path = url.rstrip("/") if urlsplit(url).netloc else url
    for end in ("/api/v2", "/api/v2/write", "/api/v2/query"):
        if path.endswith(end):
            return path.removesuffix(end).rstrip("/")
    return path
