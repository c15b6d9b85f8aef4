"""Who may ask the pages for what: the gate, cookies and certificates, and the audit of changes."""

from tsmon_agent.web.security.audited_changes import asked, changed
from tsmon_agent.web.security.cookies import Cookies
from tsmon_agent.web.security.gate import Gate
from tsmon_agent.web.security.tls import load_certificate, tls_of

__all__ = ["Cookies", "Gate", "asked", "changed", "load_certificate", "tls_of"]
