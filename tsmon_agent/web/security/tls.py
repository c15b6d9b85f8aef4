"""TLS of the pages."""

import ssl
from pathlib import Path

from tsmon.errors import TsmonError
from tsmon.logs.error_texts import describe_error
from tsmon_agent.settings import WebSettings

__all__ = ["build_tls_context", "load_certificate", "read_certificate_stamp"]


def build_tls_context(settings: WebSettings) -> ssl.SSLContext | None:
    """TLS 1.2 and newer with the certificate in the settings; None where they name none.

    Raises :class:`~tsmon.errors.TsmonError`.
    """
    if settings.cert_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    load_certificate(context, settings)
    return context


def read_certificate_stamp(settings: WebSettings) -> tuple[object, ...]:
    """What changes when the files of the certificate are replaced or rewritten; None for a missing one."""
    return tuple(_stamp(file) for file in (settings.cert_file, settings.key_file) if file is not None)


def load_certificate(context: ssl.SSLContext, settings: WebSettings) -> None:
    """Read the certificate for all connections from now on; raises :class:`~tsmon.errors.TsmonError`."""
    for key, file in (("cert_file", settings.cert_file), ("key_file", settings.key_file)):
        if file is not None:
            try:
                file.read_bytes()
            except OSError as error:
                raise TsmonError(f"web.{key} {file} cannot be read: {error.strerror}; correct it") from None
    assert settings.cert_file is not None
    try:
        # With an empty password OpenSSL does not prompt for one on the terminal.
        context.load_cert_chain(settings.cert_file, settings.key_file, password="")
    except (ssl.SSLError, ValueError) as error:
        of_key = settings.key_file or settings.cert_file
        reason = describe_error(error, names_file=False)
        raise TsmonError(
            f"web.cert_file {settings.cert_file} and its key in {of_key} are not usable ({reason}); give a "
            "certificate in PEM, and the key that belongs to it without a password"
        ) from None


def _stamp(file: Path) -> tuple[int, ...] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
