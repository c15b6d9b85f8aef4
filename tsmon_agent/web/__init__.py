"""The agent's own pages."""

from tsmon_agent.web.server import WebServer

__all__ = ["WebServer"]
