"""State that people edit: expected streams, deployments, tokens and the audit, in SQLite or PostgreSQL."""

from tsmon_agent.state.database import Database
from tsmon_agent.state.state import State
from tsmon_agent.state.tables import (
    AuditEntry,
    Base,
    Deployment,
    ExpectedStream,
    LastKnownFreshness,
    SignIn,
    Token,
)

__all__ = [
    "AuditEntry",
    "Base",
    "Database",
    "Deployment",
    "ExpectedStream",
    "LastKnownFreshness",
    "SignIn",
    "State",
    "Token",
]
