"""Who may ask the pages for what: clients, the gate, signing in, and the audit of changes."""

from tsmon_agent.web.access.changes import asked, changed
from tsmon_agent.web.access.client import CLIENT, Clients
from tsmon_agent.web.access.cookies import Cookies
from tsmon_agent.web.access.gate import Gate
from tsmon_agent.web.access.needs import for_everyone, needed_role, needs
from tsmon_agent.web.access.tls import load_certificate, tls_of
from tsmon_agent.web.access.who import WHO, Who, who_asks

__all__ = [
    "CLIENT",
    "WHO",
    "Clients",
    "Cookies",
    "Gate",
    "Who",
    "asked",
    "changed",
    "for_everyone",
    "load_certificate",
    "needed_role",
    "needs",
    "tls_of",
    "who_asks",
]
