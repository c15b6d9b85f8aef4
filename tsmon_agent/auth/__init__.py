"""Who may do what, and who did it: roles, tokens, sign-ins and the audit, in the state."""

from tsmon_agent.auth.audit import DONE, REFUSED, Actor, audit, audit_json, entries, this_user
from tsmon_agent.auth.roles import Role, may
from tsmon_agent.auth.secrets import proof_of, same
from tsmon_agent.auth.sign_ins import begin_sign_in, end_sign_in, sign_in_holder
from tsmon_agent.auth.tokens import (
    Holder,
    create_token,
    revoke_token,
    rotate_token,
    token_holder,
    tokens,
    usable,
)

__all__ = [
    "DONE",
    "REFUSED",
    "Actor",
    "Holder",
    "Role",
    "audit",
    "audit_json",
    "begin_sign_in",
    "create_token",
    "end_sign_in",
    "entries",
    "may",
    "proof_of",
    "revoke_token",
    "rotate_token",
    "same",
    "sign_in_holder",
    "this_user",
    "token_holder",
    "tokens",
    "usable",
]
