"""The command ``tsmon-agent status``: whether an agent runs, queried at the address of its pages."""

import http.client
import json
import ssl
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer

from tsmon.cli.terminal import print_json, say
from tsmon.errors import SettingsError
from tsmon.logs.error_texts import describe_error
from tsmon_agent.cli.app import app
from tsmon_agent.cli.options import AsJson, SettingsFile

if TYPE_CHECKING:
    from tsmon_agent.settings import WebSettings

__all__ = ["AgentStatus", "query_status"]

TIMEOUT_S: Final = 5.0

EVERYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
"""Where to find an agent that listens on all addresses."""


@dataclass(frozen=True, slots=True)
class AgentStatus:
    """Whether an agent answers, whether it is ready, and the details that it reports."""

    address: str
    runs: bool
    ready: bool
    reason: str
    detail: dict[str, Any]

    @property
    def exit_code(self) -> int:
        """0: it runs and is ready; 1: it runs but is not ready; 3: it does not run (as for systemctl)."""
        return 0 if self.ready else 1 if self.runs else 3

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"


@app.command()
def status(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Report whether an agent runs; exit with 0 if it is ready, 1 if it is not ready, 3 if none runs."""
    from tsmon_agent.settings import load_settings

    found = query_status(load_settings(settings).web)
    if as_json:
        print_json(found)
    else:
        say(str(found))
    raise typer.Exit(found.exit_code)


def query_status(settings: "WebSettings", *, timeout_s: float = TIMEOUT_S) -> AgentStatus:
    """Query ``/healthz`` and ``/readyz``; raises :class:`~tsmon.errors.SettingsError` if there is no address."""
    if not settings.enabled or not settings.port:
        what = "web.port is 0, so the port is not known" if settings.enabled else "web.enabled is false"
        raise SettingsError(f"{what}: the agent cannot be queried; check its process instead")
    host = EVERYWHERE.get(settings.listen, settings.listen)
    scheme = "https" if settings.encrypted else "http"
    address = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.port}{settings.base_path}"
    try:
        code, body = _get(f"{address}/healthz", timeout_s)
        if code != 200 or body.strip() != b"ok":
            return AgentStatus(address, False, False, "something other than tsmon-agent answers there", {})
        code, body = _get(f"{address}/readyz", timeout_s)
        detail: dict[str, Any] = json.loads(body)
    except OSError as error:
        return AgentStatus(address, False, False, f"no agent answers ({describe_error(error)})", {})
    except (ValueError, http.client.HTTPException):
        return AgentStatus(address, False, False, "something other than tsmon-agent answers there", {})
    if code == 200:
        return AgentStatus(address, True, True, "runs and is ready", detail)
    reasons = "; ".join(detail["reasons"]) or "its log says why"
    return AgentStatus(address, True, False, f"runs, but is not ready: {reasons}", detail)


def _get(url: str, timeout_s: float) -> tuple[int, bytes]:
    # No proxy of the environment: the agent is on this machine. No check of the certificate, which is for another
    # name: nothing secret is sent or received.
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
