"""Whether an agent runs, asked at the address of its pages."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any, Final

from tsmon.errors import SettingsError
from tsmon_agent.settings import WebSettings

__all__ = ["AgentStatus", "query_status"]

TIMEOUT_S: Final = 5.0

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""Where to ask an agent that listens on all addresses."""


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """What was found: whether an agent answers, whether it is ready, and what it says of itself."""

    address: str
    runs: bool
    ready: bool
    reason: str
    detail: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """0: it runs and is ready; 1: it runs and is not; 3: it does not run (as systemctl has it)."""
        return 0 if self.ready else 1 if self.runs else 3

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


def query_status(settings: WebSettings, *, timeout_s: float = TIMEOUT_S) -> AgentStatus:
    """Ask ``/healthz`` and ``/readyz``; raises :class:`~tsmon.errors.SettingsError` where there is no address."""
    if not settings.enabled or not settings.port:
        what = "web.port is 0, so the port is not known" if settings.enabled else "web.enabled is false"
        raise SettingsError(f"{what}: the agent cannot be asked; look at its process instead")
    host = EVERYWHERE.get(settings.listen, settings.listen)
    scheme = "https" if settings.encrypted else "http"
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.base_path}"
    try:
        status, body = _get(f"{address}/healthz", timeout_s)
        if status != 200 or body.strip() != b"ok":
            return AgentStatus(address, False, False, "something else than tsmon-agent answers there", {})
        status, body = _get(f"{address}/readyz", timeout_s)
        detail: dict[str, Any] = json.loads(body)
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        return AgentStatus(address, False, False, f"no agent answers ({reason})", {})
    ready = status == 200
    said = (
        "runs and is ready"
        if ready
        else f"runs, but is not ready: {'; '.join(detail['reasons']) or 'its log says why'}"
    )
    return AgentStatus(address, True, ready, said, detail)


def _get(url: str, timeout_s: float) -> tuple[int, bytes]:
    # Not by way of a proxy that the environment names: it is this machine, and the certificate is for its name
    # elsewhere. Nothing secret is asked or told.
    unverified = ssl.create_default_context()
    unverified.check_hostname, unverified.verify_mode = False, ssl.CERT_NONE
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=unverified)
    )
    try:
        with opener.open(url, timeout=timeout_s) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()
