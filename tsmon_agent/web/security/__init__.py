"""Who may send the pages which request: the gate, cookies, certificates, and the audit of changes."""

from tsmon_agent.web.security.audited_changes import audited
from tsmon_agent.web.security.cookies import Cookies
from tsmon_agent.web.security.gate import Gate
from tsmon_agent.web.security.tls import build_tls_context, load_certificate, read_certificate_stamp

__all__ = ["Cookies", "Gate", "audited", "build_tls_context", "load_certificate", "read_certificate_stamp"]
