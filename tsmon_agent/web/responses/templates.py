"""The templates of the pages, with what all of them show."""

import time
from typing import TYPE_CHECKING, Any, Final

import jinja2
from aiohttp import web

from tsmon.time_units import MILLISECOND_NS, SECOND_NS
from tsmon_agent import formatting
from tsmon_agent.auth import Role
from tsmon_agent.web.requests.identity import identity_of
from tsmon_agent.web.responses.navigation import NAVIGATION
from tsmon_agent.web.responses.static_files import StaticFiles

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Templates"]

BADGES: Final = {
    "ok": ("\N{CHECK MARK}", "ok"),
    "high": ("\N{BLACK UP-POINTING TRIANGLE}", "high"),
    "critical": ("\N{BALLOT X}", "critical"),
    "stale": ("\N{LOWER LEFT QUADRANT CIRCULAR ARC}", "stale"),
    "operational": ("\N{CHECK MARK}", "operational"),
    "degraded": ("\N{BLACK UP-POINTING TRIANGLE}", "degraded"),
    "failed": ("\N{BALLOT X}", "failed"),
    "silent-host": ("\N{CIRCLED DIVISION SLASH}", "silent host"),
    "not-tracked": ("\N{MIDDLE DOT}", "not tracked"),
    "works": ("\N{CHECK MARK}", "works"),
    "failing": ("\N{BALLOT X}", "failing"),
    "waiting": ("\N{WHITE CIRCLE}", "waiting"),
    "ready": ("\N{CHECK MARK}", "ready"),
    "not-ready": ("\N{BALLOT X}", "not ready"),
}
"""Shape and word of each badge; the scripts take them from the page."""


class Templates:
    """Renders pages; every value in them is escaped."""

    def __init__(self, context: "AgentContext", static: StaticFiles, base_path: str = "") -> None:
        self._context = context
        self.base_path = base_path
        """Prefix of every page's path."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tsmon_agent.web"),
            autoescape=True,
            auto_reload=False,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(static=static.path_of, version=static.version, badges=BADGES, base=base_path)
        environment.filters.update(
            count=formatting.count,
            seconds=formatting.seconds,
            moment=formatting.moment,
            iso=_format_iso,
            to_seconds=lambda time_ns: time_ns // SECOND_NS,
            to_milliseconds=lambda time_ns: time_ns // MILLISECOND_NS,
        )
        self._environment = environment

    def render(self, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """A page that no cache keeps; it shows the name of the host only to those who may see pages."""
        identity = identity_of(request)
        sees = identity is not None and identity.may(Role.SEE)
        text = self._environment.get_template(name).render(
            host=self._context.settings.agent.host if sees else "",
            now_ns=time.time_ns(),
            # An error page shows nothing of the request.
            here=request.path_qs if status < 400 else f"{self.base_path}/",
            navigation=[
                (entry, status < 400 and entry.leads_to(request.path))
                for entry in request.app[NAVIGATION]
                if identity is not None and (entry.role is None or identity.may(entry.role))
            ],
            signed_in=identity.name if identity is not None and identity.by == "sign-in" else None,
            csrf=identity.csrf if identity is not None else "",
            sees=sees,
            operates=identity is not None and bool(identity.csrf) and identity.may(Role.OPERATE),
            **values,
        )
        return web.Response(
            text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
        )


def _format_iso(time_ns: int) -> str:
    return formatting.moment(time_ns).replace(" UTC", "Z").replace(" ", "T")
