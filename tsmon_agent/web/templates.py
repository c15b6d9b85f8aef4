"""The templates, with all that they share."""

import time
from typing import TYPE_CHECKING, Any, Final

import jinja2
from aiohttp import web

from tsmon_agent.web import wording
from tsmon_agent.web.static_files import StaticFiles

if TYPE_CHECKING:
    from tsmon_agent.agent import Agent

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

    def __init__(self, agent: "Agent", static: StaticFiles) -> None:
        self._agent = agent
        environment = jinja2.Environment(
            loader=jinja2.PackageLoader("tsmon_agent.web"),
            autoescape=True,
            auto_reload=False,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.update(static=static.path_of, version=static.version, states=STATES)
        environment.filters.update(count=wording.count, seconds=wording.seconds, moment=wording.moment, iso=_iso)
        self._environment = environment

    def page(self, name: str, *, status: int = 200, **values: Any) -> web.Response:
        """An HTML page, which nobody is to keep."""
        host = self._agent.settings.agent.host
        text = self._environment.get_template(name).render(host=host, now_ns=time.time_ns(), **values)
        return web.Response(
            text=text, status=status, content_type="text/html", headers={"Cache-Control": "no-store"}
        )


def _iso(time_ns: int) -> str:
    return wording.moment(time_ns).replace(" UTC", "Z").replace(" ", "T")
