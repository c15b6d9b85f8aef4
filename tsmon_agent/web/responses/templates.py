"""The templates, with all that they share."""

import time
from typing import TYPE_CHECKING, Any, Final

import jinja2
from aiohttp import web

from tsmon_agent import formatting
from tsmon_agent.auth import Role
from tsmon_agent.web.requests.identity import who_asks
from tsmon_agent.web.responses.static_files import StaticFiles

if TYPE_CHECKING:
    from tsmon_agent.context import AgentContext

__all__ = ["Templates"]

STATES: Final = {
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
"""Shape and word of each state; the scripts take them from the page."""


class Templates:
    """Renders pages; whatever is put into them is escaped."""

    def __init__(self, context: "AgentContext", static: StaticFiles, base_path: str = "") -> None:
        self._context = context
        self.base_path = base_path
        """What the path of every page begins with."""
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tsmon_agent.web"),
            autoescape=True,
            auto_reload=False,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(static=static.path_of, version=static.version, states=STATES, base=base_path)
        environment.filters.update(
            count=formatting.count, seconds=formatting.seconds, moment=formatting.moment, iso=_iso
        )
        self._environment = environment

    def page(self, request: web.Request, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """An HTML page for whoever asks, which nobody is to keep; it names the host to those who may see."""
        who = who_asks(request)
        sees = who is not None and who.may(Role.SEE)
        text = self._environment.get_template(name).render(
            host=self._context.settings.agent.host if sees else "",
            now_ns=time.time_ns(),
            # An error says nothing of what was asked for.
            here=request.path_qs if status < 400 else f"{self.base_path}/",
            signed_in=who.name if who is not None and who.by == "sign-in" else None,
            csrf=who.csrf if who is not None else "",
            sees=sees,
            operates=who is not None and bool(who.csrf) and who.may(Role.OPERATE),
            administers=who is not None and who.may(Role.ADMINISTER),
            **values,
        )
        return web.Response(
            text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
        )


def _iso(time_ns: int) -> str:
    return formatting.moment(time_ns).replace(" UTC", "Z").replace(" ", "T")
